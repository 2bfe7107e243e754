import type { RandomSource } from '../base/random.ts';

/** The figures of the retry policy; times in milliseconds. */
export interface RetryOptions {
  /** Attempts in all, the first included; at least 1. */
  readonly maxAttempts: number;
  /** Wait before the second attempt. */
  readonly baseMs: number;
  /** No wait is longer than this. */
  readonly maxMs: number;
}

/** Share by which a wait is made shorter or longer at random, so that retries do not come in waves. */
const jitter = 0.2;

/** How an attempt failed. */
export interface AttemptFailure {
  /** Short and bounded in variety, fit for a metric label: `http_503`, `timeout`, `connection`. */
  readonly reason: string;
  /** Whether another attempt may fare better. */
  readonly retryable: boolean;
  /** What the receiver asked for with `Retry-After`, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** How one webhook attempt ended. */
export type AttemptResult =
  | {
      readonly outcome: 'delivered';
      readonly statusCode: number;
      /** How the receiver's answer began; undefined when it was empty. */
      readonly answer?: string;
    }
  | {
      readonly outcome: 'failed';
      readonly failure: AttemptFailure;
      readonly statusCode?: number;
      /** As above. */
      readonly answer?: string;
      /** For the log: what went wrong, or how the receiver's answer began. */
      readonly detail: string;
    };

/** What to do after a failed attempt. */
type RetryDecision =
  /** `askedMs` of the delay are what the receiver asked for beyond the back-off. */
  | { readonly action: 'retry'; readonly delayMs: number; readonly askedMs: number }
  | { readonly action: 'give-up'; readonly reason: 'exhausted' | 'refused' };

/**
 * Decides about another attempt: exponential back-off from `baseMs`, doubling up to `maxMs`, jitter
 * of 20 % either way; `Retry-After` counts instead where it is longer, up to `maxMs`.
 *
 * @param attempts attempts made so far, at least 1.
 */
export function decideRetry(
  attempts: number,
  failure: AttemptFailure,
  options: RetryOptions,
  random: RandomSource,
): RetryDecision {
  if (!failure.retryable) {
    return { action: 'give-up', reason: 'refused' };
  }
  if (attempts >= options.maxAttempts) {
    return { action: 'give-up', reason: 'exhausted' };
  }
  const jitteredMs = backOffMs(attempts, options) * (1 - jitter + 2 * jitter * random());
  const backOffDelayMs = Math.round(Math.min(jitteredMs, options.maxMs));
  const askedDelayMs = Math.round(Math.min(failure.retryAfterMs ?? 0, options.maxMs));
  const delayMs = Math.max(backOffDelayMs, askedDelayMs);
  return { action: 'retry', delayMs, askedMs: delayMs - backOffDelayMs };
}

function backOffMs(attempts: number, options: RetryOptions): number {
  // The exponent is capped because 2 ** 1024 is Infinity, and Infinity * 0 is NaN.
  return Math.min(options.baseMs * 2 ** Math.min(attempts - 1, 40), options.maxMs);
}

/**
 * How long a delivery may take at most when nothing but its attempts and the waits between them keep
 * it, in milliseconds. Who waits longer for a circuit to close is given up. Waits that the receiver asked for
 * do not count: there are `maxAttempts - 1` of them at most, of `maxMs` at most each.
 *
 * @param timeoutMs for one attempt.
 */
export function patienceMs(options: RetryOptions, timeoutMs: number): number {
  let totalMs = timeoutMs;
  for (let attempts = 1; attempts < options.maxAttempts; attempts += 1) {
    totalMs += timeoutMs + backOffMs(attempts, options) * (1 + jitter);
  }
  return totalMs;
}

/** IMF-fixdate and RFC 850, the two forms of an HTTP date that name their zone, and asctime, which does not. */
const zonedDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, .+ GMT$/;
const asctimeDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * What `Retry-After` asks for, in milliseconds from `nowMs` (0 or more; `decideRetry` clamps it);
 * undefined for what is neither seconds nor an HTTP date.
 */
export function parseRetryAfter(value: string, nowMs: number): number | undefined {
  const text = value.trim();
  if (/^\d+$/.test(text)) {
    return Number(text) * 1000;
  }
  const atMs = Date.parse(asctimeDate.test(text) ? `${text} GMT` : zonedDate.test(text) ? text : '');
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

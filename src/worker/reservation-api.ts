import { request, type Dispatcher } from 'undici';
import { type CallTrace, traceHeaders } from '../base/call-trace.ts';
import type { MachineClock } from '../base/clock.ts';
import { describeError } from '../base/error-text.ts';
import type { Span } from '../base/span.ts';
import { type AttemptFailure, parseRetryAfter } from '../delivery/retry-policy.ts';
import type { StartUpdateSpan } from './message-spans.ts';
import type { PaymentOutcome, ReservationStatus } from './payment-outcome.ts';

interface ReservationApiOptions {
  /** With or without a path; `/internal/reservations/{id}` is added. */
  readonly baseUrl: string;
  readonly agent: Dispatcher;
  /** For the time of day, which `Retry-After` may name. */
  readonly clock: Pick<MachineClock, 'now'>;
  /** For one update, from connecting to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Undefined where no spans are made. */
  readonly startSpan?: StartUpdateSpan | undefined;
}

/** How an update ended. */
type UpdateResult =
  | { readonly outcome: 'updated'; readonly statusCode: number }
  /** The reservation had this status before. */
  | { readonly outcome: 'unchanged'; readonly statusCode: number }
  | {
      readonly outcome: 'failed';
      readonly failure: AttemptFailure;
      readonly statusCode?: number;
      /** For the log. */
      readonly detail: string;
    };

/** An outcome that changes the reservation. */
export type ReservationChange = PaymentOutcome & { readonly reservationStatus: ReservationStatus };

/** The service that owns the reservations. */
export interface ReservationApi {
  /**
   * Gives a reservation its final status. The event's id is sent as `Idempotency-Key`, the same
   * whenever the update is repeated, and the trace as the headers it came by, with the update's own span where
   * spans are made. Never throws.
   *
   * @param signal gives the update up.
   */
  update(outcome: ReservationChange, signal: AbortSignal): Promise<UpdateResult>;
}

/** Longest answer that is read, in bytes. */
const maxAnswerBytes = 65_536;

/** See `ReservationApi`. */
export function createReservationApi(options: ReservationApiOptions): ReservationApi {
  const { startSpan } = options;
  const base = options.baseUrl.replace(/\/+$/, '');
  return {
    async update(outcome, signal) {
      const url = `${base}/internal/reservations/${encodeURIComponent(outcome.reservationId)}`;
      const span = startSpan?.(url, outcome.trace);
      const result = await updateInTime(options, url, outcome, span?.trace ?? outcome.trace, signal);
      if (span !== undefined) {
        endUpdateSpan(span, result);
      }
      return result;
    },
  };
}

/** A 409 that finds the status that the update sets is what it asked for, and no error. */
function endUpdateSpan(span: Span, result: UpdateResult): void {
  const { statusCode } = result;
  const reason = result.outcome === 'failed' ? result.failure.reason : undefined;
  const error = reason !== undefined && statusCode !== undefined ? String(statusCode) : reason;
  span.end({ 'http.response.status_code': statusCode, 'error.type': error }, reason);
}

async function updateInTime(
  { agent, clock, timeoutMs }: ReservationApiOptions,
  url: string,
  outcome: ReservationChange,
  trace: CallTrace | undefined,
  signal: AbortSignal,
): Promise<UpdateResult> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await tryUpdate({ agent, clock }, url, { ...outcome, trace }, AbortSignal.any([signal, timeout]));
  } catch (error) {
    if (signal.aborted) {
      return toFailedUpdate('shutdown', 'given up at shutdown');
    }
    return timeout.aborted
      ? toFailedUpdate('timeout', `no complete answer from ${url} within ${timeoutMs} ms`)
      : toFailedUpdate('connection', describeError(error));
  }
}

async function tryUpdate(
  { agent, clock }: Pick<ReservationApiOptions, 'agent' | 'clock'>,
  url: string,
  { reservationStatus: status, eventId, trace }: PaymentOutcome,
  signal: AbortSignal,
): Promise<UpdateResult> {
  const response = await request(url, {
    dispatcher: agent,
    method: 'PATCH',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': toHeaderValue(eventId),
      ...traceHeaders(trace),
    },
    body: JSON.stringify({ status }),
    signal,
  });
  await response.body.dump({ limit: maxAnswerBytes });
  const { statusCode } = response;
  if (statusCode >= 200 && statusCode < 300) {
    return { outcome: 'updated', statusCode };
  }
  // 409 has two causes. A repeated update finds the status that it sets: the message is finished. A
  // reservation that expired before its payment completed, or is final in the other status, is paid for
  // and not confirmed, which a person has to resolve: the message is retried and ends, by the queue's
  // redrive policy, in the dead-letter queue. A GET tells the two apart; when it fails the second is
  // assumed.
  if (statusCode === 409 && (await readReservationStatus(agent, url, signal)) === status) {
    return { outcome: 'unchanged', statusCode };
  }
  // 404 is retried too: the replica that answered may not have the reservation yet. One that never
  // appears ends in the dead-letter queue as well.
  return {
    outcome: 'failed',
    statusCode,
    failure: { reason: `http_${statusCode}`, retryable: true, ...retryAfter(response, clock.now()) },
    detail: `PATCH ${url} answered ${statusCode}`,
  };
}

/** Undici writes a character as a byte: this is UTF-8, as the service reads its own keys. */
function toHeaderValue(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The `status` of the reservation; undefined when the answer is not 200 or has none. */
async function readReservationStatus(agent: Dispatcher, url: string, signal: AbortSignal): Promise<unknown> {
  const { statusCode, body } = await request(url, { dispatcher: agent, signal });
  if (statusCode !== 200) {
    await body.dump({ limit: maxAnswerBytes });
    return undefined;
  }
  return parseStatus(await readText(body));
}

function toFailedUpdate(reason: string, detail: string): UpdateResult {
  return { outcome: 'failed', failure: { reason, retryable: true }, detail };
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += chunk instanceof Uint8Array ? decoder.decode(chunk, { stream: true }) : String(chunk);
    if (text.length > maxAnswerBytes) {
      break;
    }
  }
  return text;
}

function parseStatus(json: string): unknown {
  try {
    const reservation: unknown = JSON.parse(json);
    return typeof reservation === 'object' && reservation !== null && 'status' in reservation
      ? reservation.status
      : undefined;
  } catch {
    return undefined;
  }
}

function retryAfter(response: Dispatcher.ResponseData, nowMs: number): { readonly retryAfterMs?: number } {
  const value = response.headers['retry-after'];
  const retryAfterMs = typeof value === 'string' ? parseRetryAfter(value, nowMs) : undefined;
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

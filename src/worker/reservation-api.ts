import { request, type Agent, type Dispatcher } from 'undici';
import type { AttemptFailure } from '../delivery/retry-policy.ts';
import { traceHeaders } from '../base/call-trace.ts';
import type { PaymentOutcome } from './payment-outcome.ts';

/** What the client of the reservation API works with. */
export interface ReservationApiOptions {
  /** With or without a path; `/internal/reservations/{id}` is added. */
  readonly baseUrl: string;
  readonly agent: Agent;
  /** For one update, from connecting to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** How an update ended. */
export type UpdateResult =
  | { readonly outcome: 'updated' }
  /** The reservation had this status before. */
  | { readonly outcome: 'unchanged' }
  | {
      readonly outcome: 'failed';
      readonly failure: AttemptFailure;
      /** For the log. */
      readonly detail: string;
    };

/** The service that owns the reservations. */
export interface ReservationApi {
  /**
   * Gives a reservation its final status. The event's id is sent as `Idempotency-Key`, the same
   * whenever the update is repeated, and the trace as the headers it came by. Never throws.
   *
   * @param signal gives the update up.
   */
  update(outcome: PaymentOutcome, signal: AbortSignal): Promise<UpdateResult>;
}

/** Longest answer that is read, in bytes. */
const maxAnswerBytes = 65_536;

/** See `ReservationApi`. */
export function createReservationApi(options: ReservationApiOptions): ReservationApi {
  const { agent, timeoutMs } = options;
  const base = options.baseUrl.replace(/\/+$/, '');

  async function statusOf(url: string, signal: AbortSignal): Promise<unknown> {
    const { statusCode, body } = await request(url, { dispatcher: agent, signal });
    if (statusCode !== 200) {
      await body.dump({ limit: maxAnswerBytes });
      return undefined;
    }
    return readStatus(await readText(body));
  }

  async function tryUpdate(
    url: string,
    { reservationStatus: status, eventId, trace }: PaymentOutcome,
    signal: AbortSignal,
  ): Promise<UpdateResult> {
    const response = await request(url, {
      dispatcher: agent,
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'idempotency-key': eventId, ...traceHeaders(trace) },
      body: JSON.stringify({ status }),
      signal,
    });
    await response.body.dump({ limit: maxAnswerBytes });
    const { statusCode } = response;
    if (statusCode >= 200 && statusCode < 300) {
      return { outcome: 'updated' };
    }
    // 409 is the answer to two very different stories. A repeated update finds what it wants done: the
    // message is finished. A reservation that expired before its payment came through, or is final in
    // another status, is money taken without a seat: nobody may lose sight of that, so the message is
    // received again and ends, by the queue's redrive policy, in the dead-letter queue. Asking for the
    // reservation tells one from the other; an API that cannot be asked counts as the second.
    if (statusCode === 409 && (await statusOf(url, signal)) === status) {
      return { outcome: 'unchanged' };
    }
    // 404 is worth another try too: the event may have overtaken the reservation on its way to the
    // replica that answered. One that never appears ends in the dead-letter queue as well.
    return {
      outcome: 'failed',
      failure: { reason: `http_${statusCode}`, retryable: true, ...retryAfter(response) },
      detail: `PATCH ${url} answered ${statusCode}`,
    };
  }

  return {
    async update(outcome, signal) {
      const url = `${base}/internal/reservations/${encodeURIComponent(outcome.reservationId)}`;
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        return await tryUpdate(url, outcome, AbortSignal.any([signal, timeout]));
      } catch (error) {
        if (signal.aborted) {
          return failed('shutdown', 'given up at shutdown');
        }
        return timeout.aborted
          ? failed('timeout', `no complete answer from ${url} within ${timeoutMs} ms`)
          : failed('connection', describeError(error));
      }
    },
  };
}

function failed(reason: string, detail: string): UpdateResult {
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

function readStatus(json: string): unknown {
  try {
    const reservation: unknown = JSON.parse(json);
    return typeof reservation === 'object' && reservation !== null && 'status' in reservation
      ? reservation.status
      : undefined;
  } catch {
    return undefined;
  }
}

/** `Retry-After` in whole seconds; its other form, a date, is rare for 429 and 503 and ignored. */
function retryAfter(response: Dispatcher.ResponseData): { readonly retryAfterMs?: number } {
  const value = response.headers['retry-after'];
  return typeof value === 'string' && /^\d{1,6}$/.test(value) ? { retryAfterMs: Number(value) * 1000 } : {};
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const code = 'code' in error ? `${String(error.code)}: ` : '';
  return `${code}${error.message || error.name}`;
}

import { STATUS_CODES } from 'node:http';
import type { Clock } from '../clock.ts';
import { type AttemptFailure, parseRetryAfter } from './retry-policy.ts';
import type { RequestClient } from './webhook-connections.ts';
import { EgressRefusedError } from './webhook-connector.ts';

/** What to send in one attempt. */
export interface WebhookRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole attempt, from connecting to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** How one attempt ended. */
export type AttemptResult =
  | { readonly outcome: 'delivered'; readonly statusCode: number }
  | {
      readonly outcome: 'failed';
      readonly failure: AttemptFailure;
      readonly statusCode?: number;
      /** For the log: what went wrong, or how the receiver's answer began. */
      readonly detail: string;
    };

/** No more than this is read of an answer, in bytes. */
const maxResponseBytes = 20_000;
/** No more than this of an answer goes into the log, in characters. */
const maxExcerptLength = 200;

/** POSTs one webhook and classifies the answer. Never throws. Redirects are failures, never followed. */
export async function sendWebhookRequest(
  client: RequestClient,
  request: WebhookRequest,
  clock: Pick<Clock, 'now'>,
): Promise<AttemptResult> {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(), request.timeoutMs);
  try {
    const response = await client.request({
      method: 'POST',
      path: request.path,
      headers: request.headers,
      body: request.body,
      signal: abort.signal,
    });
    const excerpt = await readExcerpt(response.body);
    if (response.statusCode >= 200 && response.statusCode < 300) {
      return { outcome: 'delivered', statusCode: response.statusCode };
    }
    return {
      outcome: 'failed',
      statusCode: response.statusCode,
      failure: classifyStatus(response.statusCode, response.headers['retry-after'], clock.now()),
      detail: `${response.statusCode} ${STATUS_CODES[response.statusCode] ?? ''}: ${excerpt}`,
    };
  } catch (error) {
    if (error instanceof EgressRefusedError) {
      return fail('egress_refused', false, describeError(error));
    }
    return abort.signal.aborted
      ? fail('timeout', true, `no complete answer within ${request.timeoutMs} ms`)
      : fail('connection', true, error instanceof Error ? describeError(error) : String(error));
  } finally {
    clearTimeout(timeout);
  }
}

function fail(reason: string, retryable: boolean, detail: string): AttemptResult {
  return { outcome: 'failed', failure: { reason, retryable }, detail };
}

function classifyStatus(
  statusCode: number,
  retryAfter: string | string[] | undefined,
  nowMs: number,
): AttemptFailure {
  // 410 Gone: the receiver says that it will never want this address called again.
  const failure = { reason: `http_${statusCode}`, retryable: statusCode !== 410 };
  if ((statusCode !== 429 && statusCode !== 503) || retryAfter === undefined) {
    return failure;
  }
  const retryAfterMs = parseRetryAfter(
    typeof retryAfter === 'string' ? retryAfter : (retryAfter[0] ?? ''),
    nowMs,
  );
  return retryAfterMs === undefined ? failure : { ...failure, retryAfterMs };
}

/** Reads the answer to its end so that the connection can be used again, or breaks it off if too long. */
async function readExcerpt(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  let bytesRead = 0;
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    bytesRead += chunk.byteLength;
    if (text.length < maxExcerptLength) {
      text += decoder.decode(chunk, { stream: true });
    }
    if (bytesRead >= maxResponseBytes) {
      break;
    }
  }
  return text.slice(0, maxExcerptLength);
}

function describeError(error: Error): string {
  const code = 'code' in error ? `${String(error.code)}: ` : '';
  return `${code}${error.message || error.name}`;
}

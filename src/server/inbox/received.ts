import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { errorMessage } from '../../base/error-text.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { globalSession, isSessionKey } from '../../simulator/session.ts';
import { sessionHeader } from '../../webhook-format/signature.ts';
import { verifyWebhook } from '../../webhook-format/verify.ts';

/** What a request to the receiver says, whether or not it is genuine. */
export interface DescribedWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Why it does not verify; undefined: it does. */
  readonly problem: string | undefined;
  readonly eventId: string;
  readonly paymentId: string;
  readonly sessionId: string;
}

/** They are about the connection, and say nothing of the webhook. */
const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'expect']);
/** What they hold is nobody's to show. */
const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie']);
/** Ids have no more; of longer texts nothing is made. */
const maxIdLength = 128;

/** @param secrets of the service. */
export function describeWebhook(
  { headers }: IncomingMessage,
  bytes: Buffer,
  secrets: readonly string[],
  nowMs: number,
): DescribedWebhook {
  const body = bytes.toString('utf8');
  const fields = fieldsOf(body);
  const session = headers[sessionHeader];
  return {
    headers: shownHeaders(headers),
    body,
    problem: problemOf(headers, bytes, secrets, nowMs),
    eventId: idIn(fields['event_id']),
    paymentId: idIn(fields['payment_id']),
    sessionId: typeof session === 'string' && isSessionKey(session) ? session : globalSession,
  };
}

function shownHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ofConnection.has(name))
      .map(([name, value]) => [
        name,
        secretHeaders.has(name) ? '(not shown)' : [value ?? ''].flat().join(', '),
      ]),
  );
}

function problemOf(
  headers: IncomingHttpHeaders,
  body: Buffer,
  secret: readonly string[],
  nowMs: number,
): string | undefined {
  try {
    verifyWebhook({ headers, body, secret, nowMs });
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** Of a body that is a JSON object. */
function fieldsOf(body: string): JsonObject {
  try {
    const content: unknown = JSON.parse(body);
    return isJsonObject(content) ? content : {};
  } catch {
    return {};
  }
}

function idIn(value: unknown): string {
  return typeof value === 'string' && value.length <= maxIdLength ? value : '';
}

import { timingSafeEqual } from 'node:crypto';
import { type PaymentWebhook, parsePaymentWebhook } from './payload.ts';
import { pickHeaders, type WebhookHeaders } from './headers.ts';
import { secretsToKeys, signatureHeaders, signBody, signStandard } from './signature.ts';
import { WebhookVerificationError } from './verification-error.ts';

/** A webhook as it came, and what to hold it against. */
export interface VerifyWebhookOptions {
  /** The bytes as they came, or the text they are in UTF-8; never what a JSON parser made of them. */
  readonly body: string | Uint8Array;
  readonly headers: WebhookHeaders;
  /** What WEBHOOK_SECRET holds: one secret, several in a comma-separated list, or an array of them. */
  readonly secret: string | readonly string[];
  /** How far the timestamp may be from now, before and after, in seconds; 300 unless told otherwise. */
  readonly toleranceSeconds?: number;
  /** Now, in milliseconds since the epoch; the system's clock unless told otherwise. */
  readonly nowMs?: number;
}

const { simple, id, timestamp, signature } = signatureHeaders;
const standard = [id, timestamp, signature];

/**
 * Verifies a webhook of Payment Sim and returns its event.
 *
 * The Standard Webhooks headers (`webhook-id`, `webhook-timestamp`, `webhook-signature`) decide alone
 * as soon as one of them is there, and then all three must be: they sign the time of the attempt and
 * name every secret, so they also hold while secrets are rotated. `X-Webhook-Signature` decides only
 * when none of them is there; the time is then the body's own `timestamp`, which it signs with the rest.
 *
 * Signatures are compared in constant time, before the timestamp and the JSON are looked at.
 *
 * @throws WebhookVerificationError whose `code` tells why the webhook must not be accepted.
 * @throws TypeError or RangeError when `secret` or `toleranceSeconds` cannot be used.
 */
export function verifyWebhook(options: VerifyWebhookOptions): PaymentWebhook {
  const { toleranceSeconds = 300, nowMs = Date.now() } = options;
  if (!(toleranceSeconds >= 0)) {
    throw new RangeError(`toleranceSeconds must not be ${toleranceSeconds}`);
  }
  const keys = secretsToKeys(options.secret);
  const body = rawBytes(options.body);
  const headers = pickHeaders(options.headers, [simple, ...standard]);
  if (standard.some((name) => headers.has(name))) {
    const sentAtSeconds = verifyStandard(keys, headers, body);
    checkAge(sentAtSeconds, toleranceSeconds, nowMs);
    return readEvent(body);
  }
  verifySimple(keys, headers, body);
  const event = readEvent(body);
  checkAge(event.timestamp, toleranceSeconds, nowMs);
  return event;
}

/**
 * The bytes of a body. Types are no help where a framework's body is `any`, and this mistake is the most common one.
 *
 * @throws WebhookVerificationError `BodyNotRaw` for what is no body as it came.
 */
export function rawBytes(body: unknown): Uint8Array {
  if (typeof body === 'string') {
    return Buffer.from(body, 'utf8');
  }
  if (body instanceof Uint8Array) {
    return body;
  }
  throw new WebhookVerificationError(
    'BodyNotRaw',
    `pass the raw body, as a Buffer, Uint8Array or string, not ${body === null ? 'null' : typeof body}: ` +
      'JSON that was parsed and printed again may differ from the bytes that were signed',
  );
}

/** @returns when the webhook was sent, in Unix seconds. */
function verifyStandard(
  keys: readonly Buffer[],
  headers: ReadonlyMap<string, string>,
  body: Uint8Array,
): number {
  const sentAt = need(headers, timestamp);
  // Digits alone: what is signed is the text, and it must have one reading.
  if (!/^\d{1,12}$/.test(sentAt)) {
    throw new WebhookVerificationError('MalformedHeader', `${timestamp} is not in Unix seconds`);
  }
  // Versions other than v1 may stand beside it.
  const candidates = need(headers, signature)
    .split(' ')
    .filter((candidate) => candidate.startsWith('v1,'));
  const eventId = need(headers, id);
  if (candidates.length === 0) {
    throw new WebhookVerificationError('MalformedHeader', `${signature} has no entry "v1,<base64>"`);
  }
  const expected = keys.map((key) => signStandard(key, eventId, sentAt, body));
  if (!isAnyEqual(candidates, expected)) {
    throw mismatch(signature);
  }
  return Number(sentAt);
}

function verifySimple(keys: readonly Buffer[], headers: ReadonlyMap<string, string>, body: Uint8Array): void {
  const candidate = headers.get(simple);
  if (candidate === undefined) {
    throw new WebhookVerificationError('MissingHeader', `neither ${signature} nor ${simple} is there`);
  }
  if (!/^sha256=[0-9a-f]{64}$/i.test(candidate)) {
    throw new WebhookVerificationError('MalformedHeader', `${simple} is not "sha256=<hex>"`);
  }
  const expected = keys.map((key) => signBody(key, body));
  if (!isAnyEqual([candidate.toLowerCase()], expected)) {
    throw mismatch(simple);
  }
}

function need(headers: ReadonlyMap<string, string>, name: string): string {
  const value = headers.get(name);
  if (value === undefined || value === '') {
    throw new WebhookVerificationError('MissingHeader', `${name} is missing`);
  }
  return value;
}

function mismatch(header: string): WebhookVerificationError {
  return new WebhookVerificationError(
    'SignatureMismatch',
    `${header} does not fit: the secret is another one, or the body is not as it was sent`,
  );
}

/** Compares each with each, in constant time; stops for none of them. */
function isAnyEqual(candidates: readonly string[], expected: readonly string[]): boolean {
  let found = false;
  for (const one of expected.map((text) => Buffer.from(text))) {
    for (const candidate of candidates.map((text) => Buffer.from(text))) {
      found = (candidate.length === one.length && timingSafeEqual(candidate, one)) || found;
    }
  }
  return found;
}

function checkAge(sentAtSeconds: number, toleranceSeconds: number, nowMs: number): void {
  const ageSeconds = Math.floor(nowMs / 1000) - sentAtSeconds;
  if (Math.abs(ageSeconds) > toleranceSeconds) {
    throw new WebhookVerificationError(
      'TimestampOutOfTolerance',
      `sent ${Math.abs(ageSeconds)} s ${ageSeconds < 0 ? 'in the future' : 'ago'}; up to ${toleranceSeconds} s are accepted`,
    );
  }
}

function readEvent(body: Uint8Array): PaymentWebhook {
  try {
    return parsePaymentWebhook(body);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new WebhookVerificationError('MalformedBody', `genuine, but no payment event: ${problem}`, {
      cause: error,
    });
  }
}

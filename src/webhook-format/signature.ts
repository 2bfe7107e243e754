import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** Lower-case, as HTTP/2 and Node's own headers have them. */
export const signatureHeaders = {
  /** `sha256=<hex>` of the raw body alone. */
  simple: 'x-webhook-signature',
  /** Standard Webhooks: the event id, the same in every attempt. */
  id: 'webhook-id',
  /** Standard Webhooks: Unix seconds of the attempt. */
  timestamp: 'webhook-timestamp',
  /** Standard Webhooks: space-separated `v1,<base64>`, one per secret. */
  signature: 'webhook-signature',
} as const;

/** The header, or gRPC metadata, with the tester's session: of calls, and of the webhooks that tell of them. */
export const sessionHeader = 'payment-sim-session';

/**
 * The bytes of a secret as configured. `whsec_<base64>` is the Standard Webhooks notation for
 * random bytes; anything else is taken as it is, in UTF-8.
 */
export function secretToKey(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8');
}

/** Node decodes broken base64 without a word, to an empty key in the end; receivers' libraries refuse it. */
export function isUsableSecret(secret: string): boolean {
  if (!secret.startsWith('whsec_')) {
    return true;
  }
  const key = secretToKey(secret);
  return key.length > 0 && secret === `whsec_${key.toString('base64')}`;
}

/**
 * The keys of the secrets that a receiver accepts, in the notation of WEBHOOK_SECRET.
 *
 * @param secret one secret, several in a comma-separated list, or an array of either.
 * @throws TypeError when one is empty or has broken base64 after `whsec_`; its value is not repeated.
 */
export function secretsToKeys(secret: string | readonly string[]): readonly Buffer[] {
  const secrets = (typeof secret === 'string' ? [secret] : secret).flatMap((entry) =>
    entry.split(',').map((one) => one.trim()),
  );
  if (secrets.length === 0 || secrets.includes('') || !secrets.every(isUsableSecret)) {
    throw new TypeError('a webhook secret must not be empty, and must have padded base64 after "whsec_"');
  }
  return secrets.map(secretToKey);
}

/** What signs. Bytes do too, but Node 24 makes a key of them for every signature: 10 µs each. */
export type SigningKey = Buffer | KeyObject;

/** The key of a secret, for signing with it often. */
export function secretToSigningKey(secret: string): SigningKey {
  return createSecretKey(secretToKey(secret));
}

/** The same for several, in their order. */
export function signingKeysOf(secrets: readonly [string, ...string[]]): [SigningKey, ...SigningKey[]] {
  const [current, ...older] = secrets;
  return [secretToSigningKey(current), ...older.map(secretToSigningKey)];
}

/** `sha256=<hex HMAC-SHA256 of the raw body>`. */
export function signBody(key: SigningKey, body: string | Uint8Array): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
}

/**
 * One Standard Webhooks signature, `v1,<base64 HMAC-SHA256 of "id.timestamp.body">`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * @param timestampSeconds Unix seconds, as text exactly as sent in `webhook-timestamp`.
 */
export function signStandard(
  key: SigningKey,
  id: string,
  timestampSeconds: string,
  body: string | Uint8Array,
): string {
  const mac = createHmac('sha256', key).update(`${id}.${timestampSeconds}.`).update(body);
  return `v1,${mac.digest('base64')}`;
}

/**
 * The signature headers of one attempt. The first key signs `X-Webhook-Signature`; every key adds
 * its entry to `webhook-signature`, so that receivers can be moved from one secret to the next.
 *
 * @param keys at least one, the current one first.
 * @param timestampSeconds Unix seconds of this attempt.
 */
export function signatureHeadersFor(
  keys: readonly [SigningKey, ...SigningKey[]],
  id: string,
  timestampSeconds: number,
  body: string,
): Record<string, string> {
  const timestamp = String(timestampSeconds);
  const [current, ...older] = keys;
  let signature = signStandard(current, id, timestamp, body);
  for (const key of older) {
    signature += ` ${signStandard(key, id, timestamp, body)}`;
  }
  return {
    [signatureHeaders.simple]: signBody(current, body),
    [signatureHeaders.id]: id,
    [signatureHeaders.timestamp]: timestamp,
    [signatureHeaders.signature]: signature,
  };
}

/* Checks a webhook's Standard Webhooks signature as a receiver does, in the browser. */

/** What came of it. */
export type SignatureVerdict =
  | { readonly kind: 'matches'; readonly ageSeconds: number; readonly isStale: boolean }
  | { readonly kind: 'differs'; readonly expected: string }
  /** A header that it needs is not there. */
  | { readonly kind: 'missing'; readonly header: string }
  /** The browser computes only for pages that came from this machine or over TLS. */
  | { readonly kind: 'cannot' };

/** Receivers take no older one. https://github.com/standard-webhooks/standard-webhooks */
const toleranceSeconds = 300;

/** What is signed: `id.timestamp.body`. */
export function signedContent(headers: Readonly<Record<string, string>>, body: string): string {
  return `${headers['webhook-id'] ?? ''}.${headers['webhook-timestamp'] ?? ''}.${body}`;
}

/**
 * @param secret as in WEBHOOK_SECRET: one, or several with commas between them.
 * @param nowSeconds of what it is held against; when it was sent, as a rule.
 */
export async function checkSignature(
  headers: Readonly<Record<string, string>>,
  body: string,
  secret: string,
  nowSeconds: number,
): Promise<SignatureVerdict> {
  for (const header of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
    if (headers[header] === undefined || headers[header] === '') {
      return { kind: 'missing', header };
    }
  }
  if (globalThis.crypto?.subtle === undefined) {
    return { kind: 'cannot' };
  }
  const content = signedContent(headers, body);
  const expected = await Promise.all(secret.split(',').map((one) => sign(one.trim(), content)));
  const given = (headers['webhook-signature'] ?? '').split(' ');
  if (!given.some((one) => expected.includes(one))) {
    return { kind: 'differs', expected: expected.join(' ') };
  }
  const ageSeconds = nowSeconds - Number(headers['webhook-timestamp']);
  return { kind: 'matches', ageSeconds, isStale: Math.abs(ageSeconds) > toleranceSeconds };
}

async function sign(secret: string, content: string): Promise<string> {
  const usage = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', keyOf(secret), usage, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`;
}

/** `whsec_<base64>`, or the text itself. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  if (!secret.startsWith('whsec_')) {
    return new TextEncoder().encode(secret === '' ? ' ' : secret);
  }
  try {
    return Uint8Array.from(atob(secret.slice('whsec_'.length)), (letter) => letter.charCodeAt(0));
  } catch {
    return new TextEncoder().encode(secret);
  }
}

import { createSecretKey, randomBytes } from 'node:crypto';
import type { SignatureFault } from '../../payment/payment.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { signatureHeaders, signatureHeadersFor, type SigningKey } from '../../webhook-format/signature.ts';
import { encodeWebhookBody } from '../payload.ts';

/** A body with the headers that sign it. */
export interface SignedBody {
  readonly body: string;
  readonly signatures: Readonly<Record<string, string>>;
}

type Keys = readonly [SigningKey, ...SigningKey[]];

/** Older than receivers take: five minutes, by Standard Webhooks' libraries and ours. In seconds. */
const staleSeconds = 3_600;
const keyBytes = 32;
const proofs: ReadonlySet<string> = new Set([signatureHeaders.simple, signatureHeaders.signature]);

/**
 * The body of a webhook, signed.
 *
 * @param timestampSeconds when the attempt is made, in Unix seconds.
 */
export function sign(keys: Keys, event: PaymentEvent, timestampSeconds: number): SignedBody {
  const body = encodeWebhookBody(event, timestampSeconds);
  return { body, signatures: signatureHeadersFor(keys, event.id, timestampSeconds, body) };
}

/** The same, but so that its receiver must not take it. */
export function forge(
  fault: SignatureFault,
  keys: Keys,
  event: PaymentEvent,
  timestampSeconds: number,
): SignedBody {
  switch (fault) {
    case 'WRONG_SECRET':
      return sign([createSecretKey(randomBytes(keyBytes))], event, timestampSeconds);
    case 'STALE':
      return sign(keys, event, timestampSeconds - staleSeconds);
    case 'MISSING': {
      const { body, signatures } = sign(keys, event, timestampSeconds);
      const kept = Object.entries(signatures).filter(([name]) => !proofs.has(name));
      return { body, signatures: Object.fromEntries(kept) };
    }
    case 'TAMPERED': {
      const { body, signatures } = sign(keys, event, timestampSeconds);
      return { body: payOneMore(body), signatures };
    }
  }
}

function payOneMore(body: string): string {
  return body.replace(/"amount":(\d+)/, (_all, amount: string) => `"amount":${Number(amount) + 1}`);
}

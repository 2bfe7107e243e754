/**
 * Why a webhook was not accepted.
 * - `BodyNotRaw`: the body was parsed before it was verified; a mistake of the receiver.
 * - `MissingHeader`, `MalformedHeader`: the signature headers are not there, or are none.
 * - `SignatureMismatch`: another secret, or not the bytes that were signed.
 * - `TimestampOutOfTolerance`: genuine, but too old or from the future; perhaps a replay.
 * - `MalformedBody`: genuine, but not an event of Payment Sim.
 */
export type WebhookVerificationErrorCode =
  | 'BodyNotRaw'
  | 'MissingHeader'
  | 'MalformedHeader'
  | 'SignatureMismatch'
  | 'TimestampOutOfTolerance'
  | 'MalformedBody';

/** What `verifyWebhook` throws. Its message holds neither the secret nor the right signature. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
  readonly code: WebhookVerificationErrorCode;

  constructor(code: WebhookVerificationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/* What the package exports: for receivers of webhooks. */
export type { PaymentWebhook } from './delivery/payment-webhook.ts';
export { verifyWebhook, type VerifyWebhookOptions } from './delivery/verify-webhook.ts';
export type { WebhookHeaders } from './delivery/webhook-headers.ts';
export {
  WebhookVerificationError,
  type WebhookVerificationErrorCode,
} from './delivery/webhook-verification-error.ts';

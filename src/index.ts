/* What the package exports: for receivers of webhooks, and for test suites. */
export type { Clock, Timer } from './clock.ts';
export { ConfigError } from './config-error.ts';
export type { PaymentWebhook } from './delivery/payment-webhook.ts';
export { verifyWebhook, type VerifyWebhookOptions } from './delivery/verify-webhook.ts';
export type { WebhookHeaders } from './delivery/webhook-headers.ts';
export {
  WebhookVerificationError,
  type WebhookVerificationErrorCode,
} from './delivery/webhook-verification-error.ts';
export type { IdGenerator, IdPrefix } from './ids.ts';
export type { SentWebhook, SettledOutcome, WaitOptions } from './kit/sent-webhook.ts';
export type { SimVariables } from './kit/sim-variables.ts';
export { type PaymentSim, type PaymentSimOptions, startPaymentSim } from './kit/start-payment-sim.ts';
export type { RandomSource } from './random.ts';

/* What the package exports: for receivers of webhooks, and for test suites. */
import './base/throw-on-old-node.ts';
export type { SimClock as Clock, SimClock, Timer } from './base/clock.ts';
export { ConfigError } from './base/env/config-error.ts';
export type { PaymentWebhook } from './webhook-format/payload.ts';
export {
  createWebhookReceiver,
  type WebhookReceiver,
  type WebhookReceiverOptions,
} from './kit/webhook-receiver.ts';
export { verifyWebhook, type VerifyWebhookOptions } from './webhook-format/verify.ts';
export type { WebhookHeaders } from './webhook-format/headers.ts';
export {
  WebhookVerificationError,
  type WebhookVerificationErrorCode,
} from './webhook-format/verification-error.ts';
export type { IdGenerator, IdPrefix } from './base/ids.ts';
export type { SentWebhook, SettledOutcome, WaitOptions } from './kit/sent-webhook.ts';
export { type ConnectedSim, connectPaymentSim } from './kit/connect-payment-sim.ts';
export type { AdvanceBy, SimSession, WatchedJournal, WatchFrom } from './kit/sim-session.ts';
export type { SimVariables } from './kit/sim-variables.ts';
export { type PaymentSim, type PaymentSimOptions, startPaymentSim } from './kit/start-payment-sim.ts';
export type { RandomSource } from './base/random.ts';
export { createManualClock, type ManualClock } from './simulator/manual-clock.ts';

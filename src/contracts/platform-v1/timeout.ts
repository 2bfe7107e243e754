import type { CallTrace } from '../../base/call-trace.ts';
import type { PaymentService } from '../../payment/payment-service.ts';
import type { CreateIntentInput } from '../../payment/validation.ts';
import { payWithinMs } from './platform-messages.ts';

/*
 * PAYMENT_SCENARIO_TIMEOUT: nobody pays, and the payment expires when the time for it is over. The domain has
 * the outcome and no scenario for it, so a payment is made and then given the outcome.
 */

/**
 * Registers a payment that expires, and returns its id. Should the process end between the two steps, the
 * payment fails at the time at which it would have expired: it must not look paid.
 */
export async function createTimeout(
  service: PaymentService,
  input: Omit<CreateIntentInput, 'scenario' | 'delayMs'>,
  trace: CallTrace | undefined,
): Promise<string> {
  const paymentId = await service.create({ ...input, scenario: 'FAIL', delayMs: payWithinMs }, trace);
  const payment = await service.get({ paymentId, userId: '' });
  // A call that is repeated finds it done, and must not put the end off.
  if (payment.status === 'PENDING' && payment.plannedOutcome !== 'EXPIRED') {
    await service.simulateWebhook({
      paymentId,
      target: 'EXPIRED',
      delaySeconds: payWithinMs / 1_000,
      force: false,
    });
  }
  return paymentId;
}

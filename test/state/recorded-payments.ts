import { endPlannedRefund } from '../../src/payment/cancellation.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { type Change, settle } from '../../src/payment/lifecycle.ts';
import type { PendingPayment } from '../../src/payment/payment.ts';
import type { Payments } from '../../src/payment/ports.ts';
import { samplePayment, sampleSettlement } from '../support/sample-payment.ts';
import type { PortHarness } from './harness.ts';

interface PaymentsOptions {
  readonly ttlMs: number;
  readonly maxPayments: number;
}

/** What the suite asks for: payments of its own per test, closed when the test is finished. */
export type PaymentsFactory = (options: PaymentsOptions) => Promise<PortHarness<Payments>>;

/** Enough for tests that are not about bounds. */
export const roomy = { ttlMs: 60_000, maxPayments: 1_000 };

/** Payments that have started; everything that they tell is kept. */
export async function startRecording(
  open: PaymentsFactory,
  options: PaymentsOptions = roomy,
  announce?: (event: PaymentEvent) => Promise<void> | undefined,
) {
  const harness = await open(options);
  const { port: payments, now } = harness;
  const changes: Change[] = [];
  const announced: { readonly event: PaymentEvent; readonly atMs: number }[] = [];
  const failures: unknown[] = [];
  let settlements = 0;
  const settleNow = (payment: PendingPayment) => {
    settlements += 1;
    return settle(payment, sampleSettlement(now(), `${payment.id}-${settlements}`, payment.plannedOutcome));
  };
  payments.start({
    settle: settleNow,
    endRefund: (payment, refundId) => endPlannedRefund(payment, refundId, now()),
    changed: (change) => void changes.push(change),
    announce(event) {
      announced.push({ event, atMs: now() });
      return announce?.(event);
    },
    hasRoom: () => true,
    failed: (_id, error) => void failures.push(error),
  });
  return {
    ...harness,
    payments,
    changes,
    announced,
    failures,
    /** Ids of the payments whose events were announced, in that order. */
    ids: () => announced.map(({ event }) => event.payment.id),
    /** Registers a payment that is due far in the future, unless told otherwise. */
    register: (change: Partial<PendingPayment> = {}) =>
      payments.register(samplePayment({ dueAtMs: now() + 1_000_000, ...change })),
  };
}

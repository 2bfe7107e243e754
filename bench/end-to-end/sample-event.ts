import { encodeEventBridgeDetail, encodeWebhookBody } from '../../src/delivery/payload.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';

/** An outcome as long as those of the benchmark's payments. */
export const sampleEvent: PaymentEvent = {
  id: 'evt-df653e91-89df-4c92-b1d4-67f5ca786e1b',
  type: 'payment.status_updated',
  sequence: 1,
  occurredAtMs: 1_795_359_818_000,
  destination: undefined,
  payment: {
    id: 'pay-33fd383b-410d-4ee2-8465-d61b867a80c4',
    reservationId: 'reservation-bench-1',
    userId: 'user-bench-1',
    status: 'COMPLETED',
    money: { amount: 120_000, currency: 'KRW' },
    transactionId: 'txn-00000000-0000-4000-8000-000000000000',
    failureCode: undefined,
    trace: {
      traceparent: undefined,
      tracestate: undefined,
      requestId: '5d3cb45e-36e5-4c43-9a0f-5d3ad9c4e1c2',
    },
  },
  sessionId: undefined,
  delivery: undefined,
  refund: undefined,
};

const timestampSeconds = 1_795_359_818;

export const sampleWebhookBody = encodeWebhookBody(sampleEvent, timestampSeconds);
export const sampleDetail = encodeEventBridgeDetail(sampleEvent, timestampSeconds);

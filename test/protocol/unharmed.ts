import { expect } from 'vitest';
import type { RunningService } from '../support/start-service.ts';
import { pay, validCreate } from './case-context.ts';

/** The service still answers, and did not take what it was sent for a fault of its own. */
export async function expectUnharmed(service: RunningService): Promise<void> {
  const response = await fetch(`${service.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(validCreate()),
  });
  expect(await response.json()).toEqual({ payment_intent_id: pay, status: 'PAYMENT_STATUS_PENDING' });
  expect(service.logs().filter((line) => line['level'] === 'error' || line['level'] === 'fatal')).toEqual([]);
}

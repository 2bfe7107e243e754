import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { newDelivery } from '../../src/delivery/delivery.ts';
import { readGivenUpWebhook } from '../../src/delivery/dead-letter/log-line.ts';
import { encodeWebhookBody } from '../../src/delivery/payload.ts';
import { logDeadLetters } from '../../src/observability/delivery-log.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { paymentEvents } from '../support/arbitrary-payments.ts';

const url = 'https://example.com/hooks';
/** A payment that has refunds was not declined. */
const events = paymentEvents.filter(
  ({ refund, payment }) => refund === undefined || payment.failureCode === undefined,
);

/** The line that the log has of a webhook given up. */
function lineOf(event: PaymentEvent): string {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(line) });
  const delivery = { ...newDelivery(event), url };
  logDeadLetters(logger)({
    kind: 'given-up',
    letter: { channel: 'webhook', delivery, url, reason: 'exhausted', error: 'HTTP 500' },
  });
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

test('the line of any webhook given up has all that there is to send', () => {
  fc.assert(
    fc.property(events, (event) => {
      const read = readGivenUpWebhook(lineOf(event));
      expect(read?.url).toBe(url);
      expect(read && encodeWebhookBody(read.event, 7)).toBe(encodeWebhookBody(event, 7));
    }),
    { numRuns: 300 },
  );
});

test('an event of a refund comes back as it was', () => {
  fc.assert(
    fc.property(
      events.filter(({ refund }) => refund !== undefined),
      (event) => {
        // Of a trace the line has the id alone.
        const plain = { ...event, destination: url, delivery: undefined };
        const payment = { ...event.payment, trace: undefined };
        expect(readGivenUpWebhook(lineOf({ ...plain, payment }))?.event).toEqual({ ...plain, payment });
      },
    ),
  );
});

import { expect, test } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from './connect-json.ts';

const local = { EVENTBRIDGE: 'off' };

test('200 ProcessPayment calls at once against the timer: one settlement, one webhook, one answer', async () => {
  const clock = createFakeClock(Date.now());
  const service = await startService(local, { clock });
  const receiver = await startWebhookReceiver();
  const call = createConnectCaller(service.apiUrl, 100);
  // The timer fires after this many answers: before all, among them, after all.
  const rounds = [0, 1, 20, 100, 150, 199, 200];
  for (const fireAfter of rounds) {
    const paymentId = await createPayment(call, {
      scenario: 'PAYMENT_SCENARIO_FAIL',
      webhook_url: receiver.url,
    });
    let answered = 0;
    const fire = Promise.withResolvers<void>();
    const advance = fire.promise.then(() => clock.advance(2_000));
    const fireWhenDue = () => {
      if (answered >= fireAfter) {
        fire.resolve();
      }
    };
    fireWhenDue();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const answer = await call('ProcessPayment', { payment_intent_id: paymentId });
        answered += 1;
        fireWhenDue();
        return answer;
      }),
    );
    await advance;
    expect(new Set(answers.map((answer) => answer.httpStatus))).toEqual(new Set([200]));
    const distinct = new Set(answers.map((answer) => JSON.stringify(answer.body)));
    expect(distinct.size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ payment_id: paymentId, status: 'PAYMENT_STATUS_FAILED' });
  }
  await receiver.waitFor(rounds.length);
  await clock.advance(60_000);
  expect(new Set(receiver.received.map((webhook) => webhook.body['payment_id'])).size).toBe(rounds.length);
  expect(receiver.received).toHaveLength(rounds.length);
  expect(service.logs('Payment processed successfully')).toHaveLength(rounds.length);
  expect(await service.metric('payment_settlements_total{status="FAILED"}')).toBe(rounds.length);
  expect(await service.metric('payment_settlements_scheduled')).toBe(0);
});

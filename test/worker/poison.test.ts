import { expect, test } from 'vitest';
import { message, startQueues, startReservationApi, startWorker } from './support.ts';

const nothingLeft = { visible: 0, hidden: 0 };

test('what no URL or header can carry goes to the dead-letter queue, whatever its id is', async (context) => {
  const texts = ['\ud800', 'a\u0000b', 'seat\u202e7', 'x'.repeat(100_000), ' seat-7 ', '   ', 'a/b', '..'];
  const poison = ['event_id', 'payment_id', 'reservation_id'].flatMap((name) =>
    texts.map((text) => message({ event_id: `evt-${texts.indexOf(text)}`, [name]: text })),
  );
  const queues = await startQueues(context);
  const api = await startReservationApi(context);
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });

  for (const body of poison) {
    await queues.send(body);
  }
  const deadLetters = await queues.deadLetters(poison.length);
  await worker.worker.stop();

  expect(deadLetters).toHaveLength(poison.length);
  expect(new Set(deadLetters.map(({ Body }) => Body))).toEqual(new Set(poison));
  for (const { MessageAttributes } of deadLetters) {
    expect(MessageAttributes?.['reason']?.StringValue).toMatch(/^invalid_(event|payment|reservation)_id$/);
    expect(MessageAttributes?.['attempts']?.StringValue).toBe('1');
  }
  expect(api.calls).toEqual([]);
  expect(await queues.count()).toEqual(nothingLeft);
});

test('poison of the largest size goes to the dead-letter queue without attributes', async (context) => {
  const body = 'x'.repeat(1_048_576);
  const queues = await startQueues(context);
  const worker = await startWorker(context, queues);

  await queues.send(body);
  const [letter] = await queues.deadLetters(1);
  await worker.waitForLogs('Message not understood, sent to the dead-letter queue', 1);
  await worker.worker.stop();

  expect(letter?.Body).toBe(body);
  expect(letter?.MessageAttributes).toBeUndefined();
  expect(await queues.count()).toEqual(nothingLeft);
});

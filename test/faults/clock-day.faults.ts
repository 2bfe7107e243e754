import { expect, test } from 'vitest';
import { createJsonSteeringClient } from '../support/clients/steering-client.ts';
import { steeringOf } from '../support/steering.ts';
import { startMeasuredService } from './start-measured-service.ts';

const payments = 10_000;
const megabyte = 1_048_576;

test('a day passes for ten thousand payments and a receiver that is dead: all is accounted for, and forgotten by a reset', async () => {
  const service = await startMeasuredService({ WEBHOOK_MAX_ATTEMPTS: '8', JOURNAL_MAX_BYTES: '268435456' });
  const sim = steeringOf(createJsonSteeringClient(service.apiUrl));
  async function passADay(): Promise<number> {
    await sim.done('UpdateSession', { session: { manual_clock: true } }, 'a');
    for (let left = payments; left > 0; left -= 200) {
      await Promise.all(
        Array.from({ length: 200 }, () => sim.create({ webhook_url: 'http://127.0.0.1:1/' }, 'a')),
      );
    }
    const startedAt = performance.now();
    const { transitions_total: transitions } = await sim.done('AdvanceClock', { by: '86400s' }, 'a');
    const seconds = (performance.now() - startedAt) / 1000;
    expect(transitions).toBe(payments);
    const given = await sim.done(
      'Await',
      { condition: { deliveries: { status: 'DELIVERY_STATUS_GIVEN_UP' } }, min: payments, timeout: '0s' },
      'a',
    );
    expect(given['observed']).toBe(payments);
    await sim.done('ResetSession', {}, 'a');
    return seconds;
  }
  // The first one compiles, and makes what stays.
  await passADay();
  const before = await service.memory();
  const seconds = await passADay();
  const after = await service.memory();
  const held = (after.heldBytes - before.heldBytes) / megabyte;
  process.stdout.write(
    `a day of ${payments} payments in ${seconds.toFixed(1)} s, ${held.toFixed(1)} MB held after\n`,
  );
  expect(held).toBeLessThan(8);
});

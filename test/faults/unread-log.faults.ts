import { expect, test } from 'vitest';
import { maxWaitingBytes } from '../../src/process/log-output.ts';
import { deliverWebhooks, startUnread } from '../system/unread-process.ts';

const linesOfPayment = ['Payment intent created', 'Payment processed successfully', 'Webhook delivered'];

test('what nobody reads is bounded in bytes, counted beyond, and told of once it is read', async () => {
  const service = await startUnread('a pipe that nobody reads', 'start', {
    DEFAULT_DELAY_MS: '0',
    LOG_LEVEL: 'debug',
  });
  const count = Math.ceil((0.6 * maxWaitingBytes) / 2_000); // half of the room is for errors alone
  await deliverWebhooks(service.apiUrl, count);
  await expect
    .poll(() => service.metric('webhook_deliveries_total{outcome="delivered"}'), { timeout: 20_000 })
    .toBe(count);
  // The last lines have not waited for others any more.
  await expect.poll(() => service.metric('log_lines_lost_total'), { timeout: 10_000 }).toBeGreaterThan(0);

  let text = '';
  await expect
    .poll(
      () => {
        const more = service.readLog();
        text += more;
        return more.includes('"Log lines were lost"');
      },
      { interval: 1, timeout: 20_000 },
    )
    .toBe(true);
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(Buffer.byteLength(text)).toBeLessThan(maxWaitingBytes + 200_000); // and what the pipe held
  const told = lines.filter(({ msg }) => msg === 'Log lines were lost');
  expect(told).toHaveLength(1);
  const lost = Number(told[0]?.['lines']);
  expect(await service.metric('log_lines_lost_total')).toBe(lost);
  // Nothing but what was told of is missing.
  const written = lines.filter(({ msg }) => linesOfPayment.includes(String(msg)));
  expect(written).toHaveLength(count * linesOfPayment.length - lost);
  service.signal('SIGTERM');
  expect(await service.ended).toBe(0);
}, 120_000);

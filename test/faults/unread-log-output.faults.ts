import { describe, expect, onTestFinished, test } from 'vitest';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { deliverWebhooks, startUnread } from '../system/unread-process.ts';

const unread = ['a pipe that nobody reads', 'a pipe without a reader', 'a full disk'] as const;
/** A worker whose queue does not answer: it writes a line for every poll. */
const workerEnv = {
  LOG_LEVEL: 'trace',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'key',
  AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9',
  PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:9/000000000000/queue',
};

const debug = { DEFAULT_DELAY_MS: '0', LOG_LEVEL: 'debug' };
const delivered = 'webhook_deliveries_total{outcome="delivered"}';

describe.each(unread)('with %s for its log', (what) => {
  test('the service serves on, and SIGTERM ends it with 0', async () => {
    const service = await startUnread(what, 'start', debug);
    await deliverWebhooks(service.apiUrl, 200);
    await expect.poll(() => service.metric(delivered)).toBe(200);
    expect(await service.metric('log_lines_lost_total')).toBe(0); // there is room for these
    service.signal('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(service.stderr()).toMatch(
      /^payment-sim: \d+ log line\(s\) could not be written: (ENOSPC|EPIPE|EAGAIN)\n$/,
    );
  });

  test('the worker works on, and SIGTERM ends it with 0', async () => {
    const worker = await startUnread(what, 'worker', workerEnv);
    await expect.poll(() => worker.metric('reservation_worker_queue_errors_total')).toBeGreaterThan(0);
    worker.signal('SIGTERM');
    expect(await worker.ended).toBe(0);
    expect(worker.stderr()).toMatch(what === 'a pipe that nobody reads' ? /^$/ : /could not be written/);
  });

  test('a second signal ends it at once with 130', async () => {
    const service = await startUnread(what, 'start', {
      SHUTDOWN_GRACE_MS: '3600000',
      LOG_LEVEL: 'debug',
    });
    await createPayment(createConnectCaller(service.apiUrl), { simulation: { delay_ms: 600_000 } });
    const again = setInterval(() => service.signal('SIGTERM'), 100);
    onTestFinished(() => clearInterval(again));
    expect(await service.ended).toBe(130);
    expect(service.stderr()).not.toMatch(/^ +at /m);
  });
});

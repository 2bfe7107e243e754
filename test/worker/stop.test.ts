import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/base/env/config-error.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';
import { compileCache } from '../support/compile-cache.ts';
import {
  message,
  startQueues,
  startReservationApi,
  startWorker,
  type Test,
  workerEnvironment,
} from './support.ts';

const nothingLeft = { visible: 0, hidden: 0 };
const ids = Array.from({ length: 10 }, (_, index) => `evt-${index}`);

/** An API that answers the calls whose number is below `freely` and holds the others back. */
async function startHoldingApi(context: Test, freely: number) {
  const held: ServerResponse[] = [];
  const api = await startReservationApi(context, (response) => {
    if (api.calls.length <= freely) {
      response.end();
    } else {
      held.push(response);
    }
  });
  return { api, release: () => held.forEach((response) => response.end()) };
}

test.concurrent(
  'stopping in the middle of a batch finishes it, and deletes nothing before',
  async (context) => {
    const queues = await startQueues(context);
    const { api, release } = await startHoldingApi(context, 5);
    await queues.send(...ids.map((id) => message({ event_id: id })));
    const worker = await startWorker(context, queues, {
      RESERVATION_API_URL: api.url,
      WORKER_POLLERS: '1',
    });
    await api.waitFor(10);

    const stopped = worker.worker.stop();
    const late = 'evt-late';
    await queues.send(message({ event_id: late }));
    expect((await fetch(`${worker.opsUrl}/health`)).status).toBe(503);
    expect((await fetch(`${worker.opsUrl}/livez`)).status).toBe(200);
    expect(await queues.count()).toEqual({ visible: 1, hidden: 10 });
    release();
    await stopped;

    expect(await queues.count()).toEqual({ visible: 1, hidden: 0 });
    expect(api.calls.map((call) => String(call.idempotencyKey)).toSorted()).toEqual(ids);
  },
);

test.concurrent(
  'what is not handled when the grace ends is in the queue for the next worker',
  async (context) => {
    const queues = await startQueues(context);
    const first = await startHoldingApi(context, 7);
    await queues.send(...ids.map((id) => message({ event_id: id })));
    const worker = await startWorker(context, queues, {
      RESERVATION_API_URL: first.api.url,
      RESERVATION_API_TIMEOUT_MS: '60000',
      WORKER_POLLERS: '1',
      SHUTDOWN_GRACE_MS: '200',
    });
    await worker.waitForLogs('Reservation confirmed', 7);
    await first.api.waitFor(10);
    await worker.worker.stop();

    expect(await queues.count()).toEqual({ visible: 3, hidden: 0 });
    const second = await startReservationApi(context);
    const nextWorker = await startWorker(context, queues, { RESERVATION_API_URL: second.url });
    await nextWorker.waitForLogs('Reservation confirmed', 3);
    await nextWorker.worker.stop();
    expect(await queues.count()).toEqual(nothingLeft);
    const confirmed = [...worker.logs('Reservation confirmed'), ...nextWorker.logs('Reservation confirmed')];
    expect(confirmed.map((line) => String(line['event_id'])).toSorted()).toEqual(ids);
  },
);

test.concurrent('SIGTERM ends the process with code 0 after the batch in hand', async (context) => {
  const queues = await startQueues(context);
  const { api, release } = await startHoldingApi(context, 0);
  const worker = startProcess(context, workerEnvironment(queues, { RESERVATION_API_URL: api.url }));
  await queues.send(...ids.map((id) => message({ event_id: id })));
  await api.waitFor(10);

  worker.child.kill('SIGTERM');
  await worker.line('Stopping');
  release();

  expect(await worker.exit).toEqual([0, null]);
  expect(await queues.count()).toEqual(nothingLeft);
  expect(api.calls).toHaveLength(10);
  await worker.line('Stopped');
});

test.concurrent('a queue that cannot be read or does not answer holds up no stop', async (context) => {
  const queues = await startQueues(context);
  const hung = createServer(() => undefined);
  hung.listen(0, '127.0.0.1');
  await once(hung, 'listening');
  context.onTestFinished(() => {
    hung.close();
    hung.closeAllConnections();
  });
  const env = { SHUTDOWN_GRACE_MS: '3600000' };
  const { port } = hung.address() as AddressInfo;
  const unanswered = await startWorker(context, queues, {
    ...env,
    AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${port}`,
  });
  const refused = await startWorker(context, queues, {
    ...env,
    PAYMENT_WEBHOOK_QUEUE_URL: `${queues.aws.sqsUrl}/000000000000/not-there`,
  });
  await refused.waitForLogs('Queue not read, to be tried again', 1);
  await once(hung, 'request');

  // Within the time that a test has.
  await Promise.all([unanswered.worker.stop(), refused.worker.stop()]);
});

test.concurrent('a wrong configuration ends the process with every mistake named', async (context) => {
  const worker = startProcess(context, {
    WORKER_HEALTH_PORT: 'x',
    RESERVATION_API_URL: 'ftp://reservations',
  });

  expect(await worker.exit).toEqual([1, null]);
  expect(worker.errorOutput()).toMatch(/^payment-sim worker cannot run: .*3 mistake/);
  for (const name of ['PAYMENT_WEBHOOK_QUEUE_URL', 'WORKER_HEALTH_PORT', 'RESERVATION_API_URL']) {
    expect(worker.errorOutput()).toContain(name);
  }
});

test('the configuration has defaults, and mistakes that only show together are told', () => {
  const queue = 'https://sqs.ap-northeast-2.amazonaws.com/123456789012/payment-webhook';

  expect(loadWorkerConfig({ PAYMENT_WEBHOOK_QUEUE_URL: queue })).toMatchObject({
    healthPort: 8041,
    host: '0.0.0.0',
    logLevel: 'info',
    queueUrl: queue,
    deadLetterQueueUrl: undefined,
    reservationApiUrl: undefined,
    shutdownGraceMs: 25_000,
    aws: { region: 'ap-northeast-2' },
  });
  const mistakes = {
    PAYMENT_WEBHOOK_QUEUE_URL: queue,
    PAYMENT_WEBHOOK_DLQ_URL: queue,
    WORKER_RETRY_MAX_MS: '1',
  };
  const elsewhere = 'https://sqs.us-east-1.amazonaws.com/123456789012/dlq';
  expect(() =>
    loadWorkerConfig({ PAYMENT_WEBHOOK_QUEUE_URL: queue, PAYMENT_WEBHOOK_DLQ_URL: elsewhere }),
  ).toThrow(/PAYMENT_WEBHOOK_DLQ_URL must be in the region/);
  expect(() => loadWorkerConfig(mistakes)).toThrow(ConfigError);
  expect(() => loadWorkerConfig(mistakes)).toThrow(/PAYMENT_WEBHOOK_DLQ_URL must differ/);
  expect(() => loadWorkerConfig(mistakes)).toThrow(/WORKER_RETRY_MAX_MS must not be below/);
});

/** The worker as its own process; it is killed when the test is finished. */
function startProcess({ onTestFinished }: Test, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['src/main.ts', 'worker'], {
    env: { ...compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errorOutput = '';
  child.stderr.on('data', (chunk: Buffer) => (errorOutput += chunk.toString('utf8')));
  const seen = new Set<string>();
  const waiters = new Map<string, () => void>();
  createInterface(child.stdout).on('line', (line) => {
    const msg = String((JSON.parse(line) as Record<string, unknown>)['msg']);
    seen.add(msg);
    waiters.get(msg)?.();
  });
  return {
    child,
    exit: once(child, 'close'),
    errorOutput: () => errorOutput,
    /** Resolves when a log line with this message has been written. */
    async line(msg: string) {
      if (!seen.has(msg)) {
        await new Promise<void>((resolve) => void waiters.set(msg, resolve));
      }
    },
  };
}

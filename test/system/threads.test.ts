import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from './connect-json.ts';
import { startServiceProcess } from './service-process.ts';

/** Threads of a service that has resolved a name. */
async function threadsWith(env: Readonly<Record<string, string>>): Promise<number> {
  const receiver = await startWebhookReceiver();
  const service = startServiceProcess({ DEFAULT_DELAY_MS: '0', SHUTDOWN_GRACE_MS: '0', ...env });
  const { apiUrl } = await service.ready;
  const url = receiver.url.replace('127.0.0.1', 'localhost');
  await createPayment(createConnectCaller(apiUrl), { webhook_url: url });
  await receiver.waitFor(1);
  return readdirSync(`/proc/${service.pid}/task`).length;
}

test('names are resolved in threads enough for some to be slow: 32 unless told otherwise', async () => {
  const [usual, three] = [await threadsWith({}), await threadsWith({ UV_THREADPOOL_SIZE: '3' })];
  expect(usual - three).toBe(32 - 3);
});

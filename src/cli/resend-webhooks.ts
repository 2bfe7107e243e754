#!/usr/bin/env node
import { createInterface } from 'node:readline';
import { Client } from 'undici';
import { egressPolicyOf } from '../app/basics.ts';
import { type Config, loadConfig } from '../app/config.ts';
import { systemClock } from '../base/clock.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { loadEnvFiles } from '../base/env/env-file.ts';
import { type GivenUpWebhook, readGivenUpWebhook } from '../delivery/dead-letter/log-line.ts';
import { encodeWebhookBody } from '../delivery/payload.ts';
import { createWebhookConnector, resolveWithSystem } from '../delivery/webhook/connector.ts';
import { webhookHeaders } from '../delivery/webhook/attempt.ts';
import { sendWebhookRequest, toWebhookTarget } from '../delivery/webhook/request.ts';
import { signingKeysOf } from '../webhook-format/signature.ts';

/*
 * Reads log lines from standard input and sends the webhooks again that were given up, each once and
 * one after the other, under its old event id and with a new signature. The environment is that of
 * the service. Exit code 1 when one was not taken.
 */

type Send = (webhook: GivenUpWebhook) => Promise<{ readonly isDelivered: boolean; readonly answer: string }>;

function createSend(config: Config): Send {
  const keys = signingKeysOf(config.webhookSecrets);
  const timeoutMs = config.webhookTimeoutMs;
  const connect = createWebhookConnector({
    policy: egressPolicyOf(config),
    connectTimeoutMs: timeoutMs,
    resolve: resolveWithSystem,
  });
  return async ({ event, url: text }) => {
    const { origin, path } = toWebhookTarget(text);
    const timestampSeconds = Math.floor(systemClock.now() / 1000);
    const body = encodeWebhookBody(event, timestampSeconds);
    const client = new Client(origin, { connect });
    const headers = webhookHeaders(keys, event, timestampSeconds, body);
    const result = await sendWebhookRequest(client, { path, headers, body, timeoutMs }, systemClock);
    await client.destroy();
    return result.outcome === 'delivered'
      ? { isDelivered: true, answer: String(result.statusCode) }
      : { isDelivered: false, answer: result.detail };
  };
}

async function main(): Promise<boolean> {
  const isDryRun = process.argv.includes('--dry-run');
  const { words } = loadEnvFiles(process.argv.slice(2).filter((word) => word !== '--dry-run'));
  if (words.length > 0) {
    throw new ConfigError([
      `"${words.join(' ')}" is not understood; there are --dry-run and --env-file FILE`,
    ]);
  }
  const send: Send = isDryRun
    ? async () => ({ isDelivered: true, answer: 'not sent' })
    : createSend(loadConfig(process.env));
  let delivered = 0;
  let failed = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const webhook = readGivenUpWebhook(line);
    if (webhook !== undefined) {
      const { isDelivered, answer } = await send(webhook);
      delivered += isDelivered ? 1 : 0;
      failed += isDelivered ? 0 : 1;
      const { id: eventId, payment } = webhook.event;
      process.stdout.write(`${eventId} ${payment.id} ${webhook.url} ${answer}\n`);
    }
  }
  process.stdout.write(`${delivered} ${isDryRun ? 'found' : 'delivered'}, ${failed} failed\n`);
  return failed === 0;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(
    `webhooks:resend cannot run: ${error instanceof ConfigError ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}

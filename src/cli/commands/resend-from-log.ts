import { createInterface } from 'node:readline';
import { Client } from 'undici';
import { egressPolicyOf } from '../../app/webhook-addresses.ts';
import { type Config, loadConfig } from '../../app/config.ts';
import { systemClock } from '../../base/clock.ts';
import { errorMessage } from '../../base/error-text.ts';
import { createProgress } from '../../base/progress.ts';
import {
  deadLetterLines,
  type GivenUpWebhook,
  readGivenUpWebhook,
} from '../../delivery/dead-letter/log-line.ts';
import { createWebhookConnector, resolveWithSystem } from '../../delivery/webhook/connector.ts';
import { webhookRequest } from '../../delivery/webhook/attempt.ts';
import { sendWebhookRequest, toWebhookTarget } from '../../delivery/webhook/request.ts';
import { signingKeysOf } from '../../webhook-format/signature.ts';
import { printLine } from '../common/output.ts';

/*
 * Reads log lines from standard input and sends the webhooks itself that were given up, each once and one after the
 * other, under its old event id and with a new signature; the environment is that of the service.
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
    const client = new Client(origin, { connect });
    const { headers, body } = webhookRequest(keys, event, timestampSeconds);
    const result = await sendWebhookRequest(client, { path, headers, body, timeoutMs }, systemClock);
    await client.destroy();
    return result.outcome === 'delivered'
      ? { isDelivered: true, answer: String(result.statusCode) }
      : { isDelivered: false, answer: result.detail };
  };
}

/** As `send`, but a webhook that cannot be sent at all, as with a broken URL, is one that failed. */
async function trySend(send: Send, webhook: GivenUpWebhook): ReturnType<Send> {
  try {
    return await send(webhook);
  } catch (error) {
    return { isDelivered: false, answer: errorMessage(error) };
  }
}

/** Resolves with whether every webhook that was given up was taken. */
export async function resendFromLog(isDryRun: boolean): Promise<boolean> {
  const send: Send = isDryRun
    ? async () => ({ isDelivered: true, answer: 'not sent' })
    : createSend(loadConfig(process.env));
  let [delivered, failed, lineNumber] = [0, 0, 0];
  const progress = createProgress(process.stderr);
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    lineNumber += 1;
    progress.tell(`${lineNumber} lines read, ${delivered} delivered, ${failed} failed`);
    const webhook = readGivenUpWebhook(line);
    if (webhook !== undefined) {
      const { isDelivered, answer } = await trySend(send, webhook);
      delivered += isDelivered ? 1 : 0;
      failed += isDelivered ? 0 : 1;
      const { id: eventId, payment } = webhook.event;
      progress.end();
      printLine(`${eventId} ${payment.id} ${webhook.url} ${answer}`);
    } else if (looksGivenUp.test(line)) {
      failed += 1;
      printLine(
        `line ${lineNumber} is of a webhook given up, but cannot be read: not whole, or not JSON alone`,
      );
    }
  }
  progress.end();
  printLine(`${delivered} ${isDryRun ? 'found' : 'delivered'}, ${failed} failed`);
  return failed === 0;
}

const looksGivenUp = new RegExp(`"msg": ?"${deadLetterLines.webhook}"`);

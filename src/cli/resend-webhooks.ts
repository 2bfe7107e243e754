#!/usr/bin/env node
import '../base/end-on-old-node.ts';
import { createInterface } from 'node:readline';
import { Client } from 'undici';
import { egressPolicyOf } from '../app/webhook-addresses.ts';
import { type Config, loadConfig } from '../app/config.ts';
import { systemClock } from '../base/clock.ts';
import { callableHost } from '../base/callable-host.ts';
import { type CommandLine, envFileOption, UsageError } from '../base/command-line.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { errorMessage } from '../base/error-text.ts';
import { escapeInvisible } from '../base/visible-text.ts';
import {
  deadLetterLines,
  type GivenUpWebhook,
  readGivenUpWebhook,
} from '../delivery/dead-letter/log-line.ts';
import { createWebhookConnector, resolveWithSystem } from '../delivery/webhook/connector.ts';
import { webhookRequest } from '../delivery/webhook/attempt.ts';
import { sendWebhookRequest, toWebhookTarget } from '../delivery/webhook/request.ts';
import { signingKeysOf } from '../webhook-format/signature.ts';
import { readSince, type ServiceResend } from './resend-request.ts';
import { printLines, runCommand } from './run-command.ts';

/*
 * Has the service send events again, with --since, --payment or --event. Without any of them reads log lines from
 * standard input and sends the webhooks itself that were given up, each once and one after the other, under its old
 * event id and with a new signature; the environment is that of the service. Exit code 1 when one was not taken.
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

/** What the service is asked for, undefined when nothing is. */
function readAsked({ values }: CommandLine): ServiceResend | undefined {
  const given = askedOptions.flatMap((option) => values(option).map((value) => ({ option, value })));
  const [first, second] = given;
  if (first === undefined) {
    return undefined;
  }
  if (second !== undefined) {
    throw new UsageError(`--${first.option} and --${second.option} cannot stand together`);
  }
  const read = new EnvironmentReader(process.env);
  const port = read.integer('GRPC_PORT', 8030, 0, 65_535);
  const host = callableHost(read.text('HOST', '0.0.0.0'));
  return {
    url: values('url').at(-1) ?? `http://${host}:${port}`,
    which: whichOf(first.option, first.value),
    isDryRun: values('dry-run').length > 0,
  };
}

const askedOptions = ['since', 'payment', 'event'] as const;

function whichOf(option: (typeof askedOptions)[number], value: string): ServiceResend['which'] {
  switch (option) {
    case 'since':
      return { case: 'givenUpSince', sinceMs: readSince(value, systemClock.now()) };
    case 'payment':
      return { case: 'paymentIntentId', value };
    case 'event':
      return { case: 'eventId', value };
  }
}

async function main(line: CommandLine): Promise<boolean> {
  const asked = readAsked(line);
  if (asked !== undefined) {
    // Loaded only here: the log is read without it.
    const { resendByService } = await import('./resend-by-service.ts');
    return await resendByService(asked);
  }
  return await resendFromLog(line.values('dry-run').length > 0);
}

async function resendFromLog(isDryRun: boolean): Promise<boolean> {
  const send: Send = isDryRun
    ? async () => ({ isDelivered: true, answer: 'not sent' })
    : createSend(loadConfig(process.env));
  let [delivered, failed, lineNumber] = [0, 0, 0];
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    lineNumber += 1;
    const webhook = readGivenUpWebhook(line);
    if (webhook !== undefined) {
      const { isDelivered, answer } = await trySend(send, webhook);
      delivered += isDelivered ? 1 : 0;
      failed += isDelivered ? 0 : 1;
      const { id: eventId, payment } = webhook.event;
      printLines(escapeInvisible(`${eventId} ${payment.id} ${webhook.url} ${answer}`));
    } else if (looksGivenUp.test(line)) {
      failed += 1;
      printLines(
        `line ${lineNumber} is of a webhook given up, but cannot be read: not whole, or not JSON alone`,
      );
    }
  }
  printLines(`${delivered} ${isDryRun ? 'found' : 'delivered'}, ${failed} failed`);
  return failed === 0;
}

const looksGivenUp = new RegExp(`"msg": ?"${deadLetterLines.webhook}"`);

await runCommand(
  {
    name: 'npm run webhooks:resend',
    summary:
      'Has the service send events again; without --since, --payment and --event reads log lines from standard input instead and sends the webhooks again that were given up.',
    options: {
      since: {
        value: 'TIME',
        text: 'all that was given up since 2026-01-01T09:00:00Z, or 30m, 2h or 1d ago',
      },
      payment: { value: 'ID', text: 'every event of a payment' },
      event: { value: 'ID', text: 'one event' },
      url: { value: 'URL', text: 'where the service is; by HOST and GRPC_PORT unless given' },
      'dry-run': { text: 'says which, and sends nothing' },
      ...envFileOption,
    },
  },
  main,
);

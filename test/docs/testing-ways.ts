import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Code, ConnectError } from '@connectrpc/connect';
import { onTestFinished } from 'vitest';
import {
  connectPaymentSim,
  type SimSession,
  verifyWebhook,
  WebhookVerificationError,
} from '../../src/index.ts';
import { startService } from '../support/start-service.ts';
import { type ReceivedWebhook, startWebhookReceiver } from '../support/webhook-receiver.ts';
import { root } from './markdown.ts';
import { type PageModule, sections, startHeading } from './testing-page.ts';

/* The two ways in which docs/testing.md fulfils a wish. */

const cwd = fileURLToPath(root);
const secret = 'payment-sim-dev-secret';

/** A service of its own, a receiver, and the blocks under a heading. */
export interface Way {
  readonly session: SimSession;
  readonly receiver: Receiver;
  /** Runs a block; gives back the last payment that was made, and what came of it. */
  run(block?: number): Promise<{ readonly id: string; readonly output: unknown }>;
  /** As the code under test does. Without a payment, the code of the error or how curl ended. */
  pay(): Promise<{ readonly id: string; readonly error?: string }>;
  /** Which blocks have not been run. */
  unrun(): readonly number[];
}

type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** Takes what is genuine; `answer.status` has it answer something else. */
async function startReceiver() {
  const answer: { status?: number } = {};
  const receiver = await startWebhookReceiver((response, webhook) => {
    response.writeHead(answer.status ?? (isGenuine(webhook) ? 204 : 401)).end();
  });
  return { ...receiver, answer };
}

/** Whether the service has signed it. */
export function isGenuine({ rawBody: body, headers }: ReceivedWebhook): boolean {
  try {
    verifyWebhook({ body, headers, secret });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) {
      return false;
    }
    throw error;
  }
}

/** The shell of the page, with a service that has its usual settings. */
export async function byCurl(heading: string): Promise<Way> {
  const env = { DEFAULT_DELAY_MS: '50', EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' };
  const { apiPort, apiUrl } = await startService(env);
  const receiver = await startReceiver();
  const sim = await connectPaymentSim(apiUrl);
  onTestFinished(() => sim.close());
  const commands = commandsOf(heading);
  const left = new Set(commands.keys());
  let id = '';
  const shell = async (command: string) => {
    const here = command
      .replaceAll('localhost:8030', `127.0.0.1:${apiPort}`)
      .replaceAll('http://localhost:9000/webhooks', receiver.url)
      .replaceAll(/pay-[0-9a-f-]{36}/g, id)
      .replace('npx buf', 'node_modules/.bin/buf');
    const output = here.includes('/Watch')
      ? await outputUntil(here, '"statusCode": 204')
      : await execute(here, { HOST: '127.0.0.1', GRPC_PORT: String(apiPort) });
    id = createdBy(output) ?? id;
    return output;
  };
  return {
    session: sim.session('test-1'),
    receiver,
    async run(block = 0) {
      left.delete(block);
      const output = await shell(commands[block] ?? 'false');
      return { id, output };
    },
    async pay() {
      const [, payment = 'false'] = commandsOf(startHeading);
      commands.forEach((command, index) => command === payment && left.delete(index));
      const output = await shell(payment);
      const [, error = output] = /"code":"(\w+)"/.exec(output) ?? [];
      return createdBy(output) === undefined ? { id: '', error } : { id };
    },
    unrun: () => [...left],
  };
}

function commandsOf(wanted: string): readonly string[] {
  return sections.find(({ heading }) => heading === wanted)?.commands ?? [];
}

function createdBy(output: string): string | undefined {
  return /^\{"payment_intent_id":"(pay-[^"]*)"/.exec(output)?.[1];
}

/** Standard output, or how it ended. */
async function execute(command: string, env: Readonly<Record<string, string>>): Promise<string> {
  const run = promisify(execFile)('sh', ['-c', command], { cwd, env: { ...process.env, ...env } });
  return await run.then(
    ({ stdout }) => stdout,
    ({ code }: { code: number }) => `exit ${code}`,
  );
}

/** Of a command that has no end: is ended with the text. */
export function outputUntil(command: string, text: string): Promise<string> {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill());
  return new Promise((resolve, reject) => {
    let output = '';
    const note = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(text)) {
        resolve(output);
        child.kill();
      }
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    child.on('close', () => reject(new Error(`ended without ${text}: ${output}`)));
  });
}

/** The TypeScript of the page. */
export async function byKit(heading: string, modulePath: string): Promise<Way> {
  const module = (await import(/* @vite-ignore */ modulePath)) as PageModule;
  const receiver = await startReceiver();
  const started = await module.start({ webhookUrl: receiver.url, apiUrl: '' });
  onTestFinished(() => started.sim.stop());
  const snippets = module.snippets[heading] ?? [];
  const left = new Set(snippets.keys());
  return {
    session: started.session,
    receiver,
    async run(block = 0) {
      left.delete(block);
      const at = { webhookUrl: receiver.url, apiUrl: started.sim.apiUrl };
      const output = (await snippets[block]?.(at, started)) ?? {};
      return { id: String(output['paymentIntentId']), output };
    },
    pay: () =>
      started.pay().then(
        ({ paymentIntentId: id }) => ({ id }),
        (error: unknown) => ({ id: '', error: Code[ConnectError.from(error).code]?.toLowerCase() ?? '' }),
      ),
    unrun: () => [...left],
  };
}

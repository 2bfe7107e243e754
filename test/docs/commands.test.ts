import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';
import { missingCurl } from '../support/missing-curl.ts';
import { startService } from '../support/start-service.ts';
import { readText } from './markdown.ts';
import { codeBlocks, codeBlocksOf } from './readme.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const blocks = codeBlocks();
const withClients = [...blocks, ...codeBlocksOf(readText('docs/clients.md'))];

/** A shell command of the guide or of docs/clients.md, and the JSON that is shown under it. */
const examples = withClients.flatMap((block, index) => {
  const answer = withClients[index + 1];
  return /^(curl|npx buf curl) /.test(block.text) && answer?.language === 'json'
    ? [{ command: block.text, answer: JSON.parse(answer.text) as unknown }]
    : [];
});

test.skipIf(missingCurl)('the calls of the guide answer what the guide says', async () => {
  expect(examples.length).toBeGreaterThan(6);
  const { apiPort } = await startService({ SHUTDOWN_GRACE_MS: '0' });
  /** The id that the guide shows, and the one that this run got. */
  const ids = new Map<string, string>();
  for (const { command, answer } of examples) {
    const here = [...ids].reduce((text, [shown, got]) => text.replaceAll(shown, got), command);
    const output = await shell(
      here.replaceAll('localhost:8030', `127.0.0.1:${apiPort}`).replace('npx buf', 'node_modules/.bin/buf'),
    );
    const got: unknown = JSON.parse(output);
    expect(withoutChance(got), command).toEqual(withoutChance(answer));
    const [shownId, gotId] = [firstId(answer), firstId(got)];
    if (shownId !== undefined && gotId !== undefined) {
      ids.set(shownId, gotId);
    }
  }
});

test.skipIf(missingCurl)(
  'the webhook receiver of the guide takes a genuine webhook and refuses another',
  async () => {
    const { apiPort } = await startService({ DEFAULT_DELAY_MS: '0', SHUTDOWN_GRACE_MS: '0' });
    const receiver = spawn(process.execPath, ['docs/clients/typescript/webhook-receiver.ts'], {
      cwd: root,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void receiver.kill());
    const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
    const address = /http:\/\/\S+/.exec((await lines.next()).value ?? '')?.[0] ?? '';

    const example = examples.find(({ command }) => command.includes('http://127.0.0.1:9000/webhooks'));
    await shell(
      (example?.command ?? '')
        .replaceAll('localhost:8030', `127.0.0.1:${apiPort}`)
        .replace('http://127.0.0.1:9000', address),
    );
    const genuine = String((await lines.next()).value);
    expect(genuine).toMatch(/^genuine \{"payment_id":"pay-/);
    const shown = blocks.find(({ text }) => text.includes('\ngenuine '))?.text.split('\n')[1] ?? '';
    expect(withoutChance(JSON.parse(genuine.slice(8)))).toEqual(withoutChance(JSON.parse(shown.slice(8))));

    const forged = await fetch(address, {
      method: 'POST',
      body: genuine.slice(8),
      headers: {
        'webhook-id': 'evt-1',
        'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
        'webhook-signature': 'v1,bm90IGEgc2lnbmF0dXJl',
      },
    });
    expect(forged.status).toBe(401);
    expect((await lines.next()).value).toMatch(/^REFUSED /);
  },
);

test('check-env lists mistakes as the guide shows them', async () => {
  const index = blocks.findIndex(({ text }) => text.includes('npm run check-env'));
  const [command = '', shown = ''] = [blocks[index]?.text, blocks[index + 1]?.text];
  const variables = Object.fromEntries(
    [...command.matchAll(/(\w+)=(\w+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const checkEnv = spawn(process.execPath, ['src/main.ts', 'check-env'], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...compileCache, WEBHOOK_SECRET: 'hush-hush', ...variables },
  });
  let output = '';
  checkEnv.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  checkEnv.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [exitCode] = (await once(checkEnv, 'close')) as [number];
  expect(exitCode).toBe(1);
  for (const line of shown.split('\n').filter((text) => text !== '…')) {
    expect(output).toContain(line);
  }
  expect(output).not.toContain('hush-hush');
});

describe('the excerpts are in the files', () => {
  test.each([
    ['go', ['go/webhook-receiver/main.go']],
    ['kotlin', ['kotlin/WebhookReceiver.kt']],
    [
      'ts',
      ['webhook-receiver', 'http-receiver', 'express-receiver', 'fastify-receiver', 'checkout.test'].map(
        (name) => `typescript/${name}.ts`,
      ),
    ],
  ])('%s', (language, paths) => {
    const files = paths.map((path) => withoutIndent(readFileSync(`${root}docs/clients/${path}`, 'utf8')));
    const excerpts = blocks.filter((block) => block.language === language);
    expect(excerpts.length).toBeGreaterThan(0);
    for (const { text } of excerpts) {
      const excerpt = withoutIndent(text);
      expect(
        files.some((file) => file.includes(excerpt)),
        excerpt,
      ).toBe(true);
    }
  });
});

async function shell(command: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], { cwd: root }).catch(
    // buf curl reports an error answer on standard error, and ends with it.
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  return stdout === '' ? stderr : stdout;
}

/** The same without what differs from run to run: ids, times, and the binary form of a detail. */
function withoutChance(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll(/(pay|txn|evt|rfd)-[0-9a-f-]{36}/g, '$1-id')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
    .replaceAll(/"timestamp":\d+/g, '"timestamp":0')
    .replaceAll(/"value":"[^"]*"/g, '"value":""');
  return JSON.parse(text);
}

function firstId(value: unknown): string | undefined {
  return /pay-[0-9a-f-]{36}/.exec(JSON.stringify(value))?.[0];
}

function withoutIndent(text: string): string {
  return text.replaceAll(/^[ \t]+/gm, '');
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { missingCurl } from '../support/missing-curl.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { readText } from './markdown.ts';
import { type CodeBlock, codeBlocksOf } from './readme.ts';
import { outputUntil } from './testing-ways.ts';

const blocks = codeBlocksOf(readText('docs/simulation.md'));
const commands = blocks.filter(({ language }) => language === 'sh');

interface SessionList {
  readonly sessions: readonly { readonly session: { readonly session_id?: string } }[];
}

/** What differs from run to run. */
function withoutChance(text: string): unknown {
  return JSON.parse(
    text
      .replaceAll(/(pay|evt|txn)-[0-9a-f-]{36}/g, '$1-id')
      .replaceAll(/"value": ?"[^"]*"/g, '"value": ""')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
      .replaceAll(/"duration": ?"[\d.]+s"/g, '"duration": ""')
      .replaceAll(/"(x-webhook-signature|webhook-signature|webhook-timestamp)": ?"[^"]*"/g, '"$1": ""')
      .replaceAll(/\\"timestamp\\":\d+/g, ''),
  );
}

/** Other blocks made sessions too: of those that are listed the ones that are shown. */
function onlyShown(answer: unknown, shown: unknown): unknown {
  const [{ sessions }, wanted] = [answer as SessionList, shown as SessionList];
  const keys = new Set(wanted.sessions.map(({ session }) => session.session_id));
  return { ...wanted, sessions: sessions.filter(({ session }) => keys.has(session.session_id)) };
}

/** One after the other, each with the id that the last create has answered. */
function createRun(apiPort: number, receiverUrl: string) {
  let lastId = '';
  return async ({ text }: CodeBlock): Promise<string> => {
    const here = text
      .replaceAll('localhost:8030', `127.0.0.1:${apiPort}`)
      .replaceAll('http://localhost:9000/webhooks', receiverUrl)
      .replaceAll(/pay-[0-9a-f-]{36}/g, lastId)
      .replace('npx buf', 'node_modules/.bin/buf');
    if (here.includes('/Watch')) {
      return await outputUntil(here, 'DELIVERY_STATUS_DELIVERED');
    }
    const { stdout } = await promisify(execFile)('sh', ['-c', here]);
    lastId = /^\{"payment_intent_id":"([^"]*)"/.exec(stdout)?.[1] ?? lastId;
    return stdout
      .replaceAll(receiverUrl, 'http://localhost:9000/webhooks')
      .replaceAll(`127.0.0.1:${apiPort}`, 'localhost:8030');
  };
}

test.skipIf(missingCurl)('the calls of docs/simulation.md answer what it says', async () => {
  const receiver = await startWebhookReceiver();
  const { apiPort } = await startService({ SHUTDOWN_GRACE_MS: '0', EVENTBRIDGE: 'off' });
  const run = createRun(apiPort, receiver.url);
  const calls = commands.filter(({ text }) => text.startsWith('curl '));
  expect(calls.length).toBeGreaterThan(11);
  for (const call of calls) {
    const shown = blocks[blocks.indexOf(call) + 1];
    expect(shown?.language).toBe('json');
    const wanted = withoutChance(shown?.text ?? '');
    // What is listed has to arrive first.
    const answers = async () => {
      const answer = withoutChance(await run(call));
      return call.text.includes('/ListSessions') ? onlyShown(answer, wanted) : answer;
    };
    await (/\/List(Deliveries|Received)/.test(call.text)
      ? expect.poll(answers, { message: call.text }).toEqual(wanted)
      : expect(answers(), call.text).resolves.toEqual(wanted));
  }
  const watches = commands.filter(({ text }) => !text.startsWith('curl '));
  expect(watches.map(({ text }) => text.split(' ', 1)[0])).toEqual(['npx', 'grpcurl', 'npx']);
  for (const watch of watches.filter(({ text }) => text.startsWith('npx'))) {
    expect(await run(watch)).toContain('"kind": "ENTRY_KIND_DELIVERY"');
  }
});

import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { goTool, missingGo, runTool } from './tools.ts';

/*
 * h2spec, https://github.com/summerwind/h2spec: RFC 9113 and RFC 7541, section by section. Nothing may fail that a bare
 * server of node:http2 does not fail in the same run.
 */

/** What fails here and not there, with the reason. */
const chosen: ReadonlySet<string> = new Set([
  // One port has HTTP/1.1 too: what is no preface is a request of it, and is answered so, readably, before the end.
  'Sends invalid connection preface',
]);

/** The cases that fail, by what they are called. */
async function failuresAt(port: number, strict: boolean): Promise<ReadonlySet<string>> {
  const h2spec = goTool('h2spec');
  const args = ['--host', '127.0.0.1', '--port', String(port), '--timeout', '2'];
  const { output } = await runTool(h2spec, [...args, ...(strict ? ['--strict'] : [])]);
  expect(output).toMatch(/\d+ tests, 1[34]\d passed/);
  return new Set([...output.matchAll(/× \d+: (.*)/g)].map(([, name = '']) => name.trim()));
}

async function startBare(): Promise<number> {
  const bare = createServer((request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  bare.on('sessionError', () => undefined);
  bare.listen(0, '127.0.0.1');
  await once(bare, 'listening');
  onTestFinished(() => void bare.close());
  return (bare.address() as AddressInfo).port;
}

describe.skipIf(missingGo())('h2spec (needs Go)', () => {
  test.each([
    ['generic', false],
    ['strict', true],
  ])('%s: what fails fails at bare node:http2 as well, or is a choice', async (_name, strict) => {
    const { apiPort } = await startService({ EVENTBRIDGE: 'off' });
    const barePort = await startBare();
    const [ours, bare] = await Promise.all([failuresAt(apiPort, strict), failuresAt(barePort, strict)]);
    expect([...ours].filter((name) => !bare.has(name))).toEqual([...chosen]);
  });
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { missingCurl } from '../support/missing-curl.ts';
import { startService } from '../support/start-service.ts';
import { readText } from './markdown.ts';
import { codeBlocksOf } from './readme.ts';

const blocks = codeBlocksOf(readText('docs/simulation.md'));

/** What differs from run to run. */
function withoutChance(text: string): unknown {
  return JSON.parse(
    text.replaceAll(/pay-[0-9a-f-]{36}/g, 'pay-id').replaceAll(/"value": ?"[^"]*"/g, '"value": ""'),
  );
}

test.skipIf(missingCurl)('the calls of docs/simulation.md answer what it says', async () => {
  const { apiPort } = await startService({ SHUTDOWN_GRACE_MS: '0' });
  const commands = blocks.filter(({ language }) => language === 'sh');
  expect(commands.length).toBeGreaterThan(8);
  for (const command of commands) {
    const shown = blocks[blocks.indexOf(command) + 1];
    expect(shown?.language).toBe('json');
    const here = command.text.replaceAll('localhost:8030', `127.0.0.1:${apiPort}`);
    const { stdout } = await promisify(execFile)('sh', ['-c', here]);
    expect(withoutChance(stdout), command.text).toEqual(withoutChance(shown?.text ?? ''));
  }
});

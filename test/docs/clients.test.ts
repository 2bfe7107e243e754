import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { clientRows } from '../clients/table/rows.ts';
import { missingCurl } from '../support/missing-curl.ts';
import { startService } from '../support/start-service.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(`${root}docs/clients.md`, 'utf8');

function blocks(language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, found, block = '']) =>
    found === language ? [block] : [],
  );
}

test.skipIf(missingCurl)('the shell lines of docs/clients.md work', async () => {
  const { apiPort } = await startService({ SHUTDOWN_GRACE_MS: '0' });
  // verify.sh needs Debian's compilers; it is run by hand.
  const commands = blocks('sh').filter((command) => !command.includes('verify.sh'));
  expect(commands.length).toBeGreaterThanOrEqual(5);
  for (const command of commands) {
    const here = command
      .replaceAll('localhost:8030', `127.0.0.1:${apiPort}`)
      .replace('npx buf', 'node_modules/.bin/buf');
    const { stdout } = await promisify(execFile)('sh', ['-c', here], { cwd: root });
    expect(stdout, command).toMatch(
      command.includes('--list-methods') ? 'payment.v1.PaymentService/ProcessPayment' : /"pay-[0-9a-f-]{36}"/,
    );
  }
});

test.each([
  ['python', 'python/client.py'],
  ['go', 'go/main.go'],
  ['kotlin', 'kotlin/Main.kt'],
])('the lines in %s are those of the example', (language, path) => {
  const example = readFileSync(`${root}docs/clients/${path}`, 'utf8');
  const excerpts = blocks(language);
  expect(excerpts.length).toBeGreaterThan(0);
  expect(excerpts.filter((block) => !example.includes(block))).toEqual([]);
});

test.each(clientRows)('the table has $client in the version that is tested', ({ client, version }) => {
  const rows = text.split('\n').filter((line) => line.startsWith(`| ${client} `));
  // Of what this machine has, not the project, only the date of the table tells the version.
  const pinned = client === 'curl' ? '' : (version().split(', ')[0] ?? '');
  expect(rows.filter((row) => row.includes(pinned))).not.toEqual([]);
});

test('every file that it names is there', () => {
  const paths = [...text.matchAll(/\]\(([^)#]+)/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(8);
  expect(paths.filter((path) => !existsSync(`${root}docs/${path}`))).toEqual([]);
});

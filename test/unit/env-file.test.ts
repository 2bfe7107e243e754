import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { readEnvFile } from '../../src/base/env/env-file.ts';

function fileOf(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-env-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, '.env'), content);
  return join(folder, '.env');
}

test('a byte order mark is no part of the first name', () => {
  const file = fileOf('\uFEFFENVIRONMENT=production\r\nHOST=::1\r\n');
  expect(readEnvFile(file)).toEqual({ ENVIRONMENT: 'production', HOST: '::1' });
  expect(readEnvFile(fileOf('\uFEFFENVIRONMENT="production"'))).toEqual({ ENVIRONMENT: 'production' });
});

test.each([
  ['A=abc#def', 'abc#def'],
  ['A=abc#def # a comment', 'abc#def'],
  ['A=abc #def', 'abc'],
  ['A= # a comment', ''],
  ['A=#fff', '#fff'],
  ['A="abc #def" # a comment', 'abc #def'],
  ["export A = 'abc#def'", 'abc#def'],
])('%s', (text, value) => {
  expect(readEnvFile(fileOf(text))).toEqual({ A: value });
});

test.each([
  'A=1\nB=2\n',
  '# one\n\n  A = 1  \nexport B=2\njunk\nC',
  'A="two\nlines # of\nB=text"\nC=3',
  'A="line\\nfeed"\nB=\'a\\nb\'\nC=`it\'s "it"`',
  'A="not closed\nB=2',
  'A==b=c\nB=a"b"\nC="x"y\nD=\nE=""',
  '',
])('what has no # beside a value is read as Node reads it: %j', (text) => {
  expect(readEnvFile(fileOf(text))).toEqual(parseEnv(text));
});

test.each([
  ['UTF-16', Buffer.from('\uFEFFENVIRONMENT=production', 'utf16le')],
  ['UTF-16', Buffer.from('\uFEFFA=1', 'utf16le').swap16()],
  ['UTF-16', Buffer.from('A=1', 'utf16le')],
  ['another encoding', Buffer.from('A=caf\u00e9', 'latin1')],
])('%s is refused', (encoding, bytes) => {
  const file = fileOf(bytes);
  expect(() => readEnvFile(file)).toThrow(
    `--env-file ${file} cannot be read: it is in ${encoding}, save it as UTF-8`,
  );
});

test('a file that is not there is told by its name', () => {
  expect(() => readEnvFile('/nowhere/.env')).toThrow('--env-file /nowhere/.env cannot be read: ENOENT');
});

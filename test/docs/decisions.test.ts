import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { crashPoints, lifeCrashPoints } from '../support/crash-points.ts';
import { codes, sectionOf, tableRows } from './readme.ts';

const adrFolder = new URL('../../docs/adr/', import.meta.url);

test('every runtime dependency has its reason', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const rows = tableRows(readFileSync(new URL('0008-runtime-dependencies.md', adrFolder), 'utf8'));
  const reasoned = rows.filter((row) => row['Why'] !== '').map((row) => codes(row['Package'] ?? '')[0]);
  expect(new Set(reasoned)).toEqual(new Set(Object.keys(manifest.dependencies)));
});

test('decisions are numbered without gaps, and their headings bear their numbers', () => {
  const files = readdirSync(adrFolder).filter((name) => name.endsWith('.md'));
  const numbers = files.map((name) => Number(name.slice(0, 4)));
  expect(new Set(numbers)).toEqual(new Set(files.map((_name, index) => index + 1)));
  for (const name of files) {
    expect(readFileSync(new URL(name, adrFolder), 'utf8')).toMatch(
      new RegExp(`^# ${Number(name.slice(0, 4))}\\. `),
    );
  }
});

test('the fault tests kill a replica at every crash point of the decision on Redis', () => {
  const text = readFileSync(new URL('0014-shared-state-on-redis.md', adrFolder), 'utf8');
  const rows = tableRows(sectionOf(text, '## Crash points'));
  const named = rows.flatMap((row) => codes(row['Name'] ?? ''));
  expect(new Set([...crashPoints, ...lifeCrashPoints].map((point) => point.split(':')[0]))).toEqual(
    new Set(named),
  );
});

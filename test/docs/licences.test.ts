import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { expect, test } from 'vitest';
import { describeLicences, isAllowed, readPackages } from '../../deploy/licences/list-licences.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const packages = readPackages(`${root}package-lock.json`);

test('THIRD_PARTY_LICENSES.md is up to date: else `npm run licences`', async () => {
  const text = await format(describeLicences(packages), { parser: 'markdown' });
  expect(readFileSync(`${root}THIRD_PARTY_LICENSES.md`, 'utf8')).toBe(text);
});

test('every licence is one that is allowed', () => {
  expect(packages.length).toBeGreaterThan(200);
  expect(packages.filter((candidate) => !isAllowed(candidate))).toEqual([]);
});

test.each([
  ['MIT', false, true],
  ['(Apache-2.0 AND BSD-3-Clause)', false, true],
  ['(Apache-2.0 AND GPL-3.0)', true, false],
  ['MPL-2.0', true, true],
  ['MPL-2.0', false, false],
  ['none', true, false],
])('%s, for development only %s: %s', (licence, isForDevelopment, allowed) => {
  expect(isAllowed({ name: 'x', version: '1', licence, isForDevelopment })).toBe(allowed);
});

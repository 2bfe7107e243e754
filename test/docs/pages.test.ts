import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makePages } from '../../dev/reference/pages.ts';
import { linksOf, readText, root } from './markdown.ts';

test.each(['README.md', 'README.ko.md'])('%s is read to the end: it has fewer than 200 lines', (page) => {
  expect(readText(page).split('\n').length).toBeLessThan(200);
});

test('the index leads to every page', () => {
  const pages = readdirSync(new URL('docs/', root), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\/docs(\/reference)?\/?$/.test(entry.parentPath))
    .filter(({ name }) => name.endsWith('.md') && name !== 'README.md')
    .map(({ name, parentPath }) => (parentPath.includes('reference') ? `reference/${name}` : name));
  expect(pages.length).toBeGreaterThan(20);
  const led = new Set(linksOf(readText('docs/README.md')));
  expect(pages.filter((page) => !led.has(page))).toEqual([]);
});

const made = await makePages();

test.each([...made.keys()])('%s is what the code says: else `npm run generate:docs`', (path) => {
  expect(readText(path)).toBe(made.get(path));
});

import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { anchorsOf, linksOf, readText, root } from './markdown.ts';

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

test.each(pages)('every link of %s leads somewhere', (page) => {
  const broken = linksOf(readText(page)).filter(
    (link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(page, link),
  );
  expect(broken).toEqual([]);
});

test('broken links are found', () => {
  expect(leadsSomewhere('README.md', 'docs/no-such-page.md')).toBe(false);
  expect(leadsSomewhere('docs/aws.md', '../README.md#no-such-heading')).toBe(false);
  expect(leadsSomewhere('docs/aws.md', '../README.md#start')).toBe(true);
});

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? new URL(page, root) : new URL(path, new URL(page, root));
  if (!existsSync(target)) {
    return false;
  }
  return anchor === undefined || anchorsOf(readText(target.href)).includes(anchor);
}

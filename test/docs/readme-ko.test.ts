import { describe, expect, test } from 'vitest';
import { linksOf, readText, withoutCodeBlocks } from './markdown.ts';
import { codeBlocksOf, codes, tableRows } from './readme.ts';

/*
 * A page in Korean says what the page in English says, as one would write it in Korean: the same commands, names and
 * links, in sentences of its own.
 */
const pairs = [
  ['README.md', 'README.ko.md'],
  ['docs/testing.md', 'docs/testing.ko.md'],
] as const;

/** The names in code marks, each once. */
function namesIn(text: string): readonly string[] {
  return [...new Set(codes(withoutCodeBlocks(text)))].toSorted();
}

/** Where links lead to, each once: to a page in Korean as to its original, and to places in the page itself left out. */
function targetsOf(text: string): readonly string[] {
  const targets = linksOf(text)
    .filter((link) => !link.startsWith('#') && !/^README(\.ko)?\.md$|^testing(\.ko)?\.md$/.test(link))
    .map((link) => link.replace('.ko.md', '.md'));
  return [...new Set(targets)].toSorted();
}

describe.each(pairs)('%s and %s', (english, korean) => {
  const [from, to] = [readText(english), readText(korean)];

  test('have the same commands and answers', () => {
    expect(codeBlocksOf(from).length).toBeGreaterThan(5);
    expect(codeBlocksOf(to)).toEqual(codeBlocksOf(from));
  });

  test('have the same names', () => {
    expect(namesIn(from).length).toBeGreaterThan(10);
    expect(namesIn(to)).toEqual(namesIn(from));
  });

  test('lead to the same pages, and to each other', () => {
    expect(targetsOf(to)).toEqual(targetsOf(from));
    expect(linksOf(from)).toContain(korean.replace('docs/', ''));
    expect(linksOf(to)).toContain(english.replace('docs/', ''));
  });
});

test('the words are those of the table of terms', () => {
  const rows = tableRows(readText('docs/ko/terms.md'));
  const avoided = rows
    .flatMap((row) => (row['쓰지 않는 말'] ?? '').split(',').map((word) => word.trim()))
    .filter(Boolean);
  expect(rows.length).toBeGreaterThan(20);
  expect(avoided.length).toBeGreaterThan(8);
  for (const [, korean] of pairs) {
    const text = withoutCodeBlocks(readText(korean));
    expect(
      avoided.filter((word) => text.includes(word)),
      korean,
    ).toEqual([]);
  }
});

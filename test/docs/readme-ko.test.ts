import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codeOf, namesOf, pairs, targetsOf, untranslatedLinesOf, type Pair } from './korean-pages.ts';
import { readText, root } from './markdown.ts';
import { sectionOf, tableRows } from './readme.ts';

/*
 * A Korean page has the code, the names and the links of its English page, and the words of
 * docs/ko/terms.md. Whoever changes a command or a name in one language changes it in the other.
 */

type Read = (path: string) => string;

function expectSameCode({ english, korean }: Pair, read: Read): void {
  expect(codeOf(read(korean)).toSorted()).toEqual(codeOf(read(english)).toSorted());
}

function expectSameNames({ english, korean }: Pair, read: Read): void {
  expect([...namesOf(read(korean))].toSorted()).toEqual([...namesOf(read(english))].toSorted());
}

function expectSameLinks({ english, korean }: Pair, read: Read): void {
  expect([...targetsOf(korean, read)].toSorted()).toEqual([...targetsOf(english, read)].toSorted());
}

function expectToLeadToEachOther({ english, korean }: Pair, read: Read): void {
  expect(read(english)).toContain(`](${nameOf(korean)})`);
  expect(read(korean)).toContain(`](${nameOf(english)})`);
}

function expectTranslated({ korean }: Pair, read: Read): void {
  expect(untranslatedLinesOf(read(korean))).toEqual([]);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

describe.each(pairs)('$korean', (pair) => {
  test('has the same commands and code', () => expectSameCode(pair, readText));
  test('has the same names', () => expectSameNames(pair, readText));
  test('has links to the same places', () => expectSameLinks(pair, readText));
  test('leads to the English page, and that to it', () => expectToLeadToEachOther(pair, readText));
  test('is translated', () => expectTranslated(pair, readText));
});

describe('what differs is found', () => {
  const pair = { english: 'docs/testing.md', korean: 'docs/testing.ko.md' };

  test.each([
    ['another command', expectSameCode, 'npm start\n', 'npm run start\n'],
    ['a block that is gone', expectSameCode, '```sh\nnpm start\n```', ''],
    ['another name', expectSameNames, '`failure_code`', '`failureCode`'],
    ['a name in words', expectSameNames, '`PAYMENT_EXPIRY_MS`', '설정한 시간'],
    ['another page', expectSameLinks, '(kit.md)', '(console.md)'],
    ['another place on another page', expectSameLinks, 'simulation.md#sessions', 'simulation.md#rules'],
    ['another place on a translated page', expectSameLinks, '(#중단)', '(#지연)'],
    ['a link that is gone', expectSameLinks, '[만료](#만료)', '만료'],
    ['no link to the English page', expectToLeadToEachOther, '](testing.md)', '](simulation.md)'],
    ['a line in English', expectTranslated, '서비스를 실행합니다.', 'Start it.\n\n'],
  ] as const)('%s', (_what, check, from, to) => {
    expect(readText(pair.korean)).toContain(from);
    const changed: Read = (path) =>
      path === pair.korean ? readText(path).replaceAll(from, to) : readText(path);
    expect(() => check(pair, changed)).toThrow(/./);
  });

  test('comments may differ', () => {
    expect(codeOf('```sh\nnpm start # 시작\n# 시작\n```\n')).toEqual(['sh\nnpm start\n']);
    expect(codeOf('```ts\nfetch("http://a") // 호출\n```\n')).toEqual(['ts\nfetch("http://a")\n']);
  });
});

describe('words', () => {
  const terms = readText('docs/ko/terms.md');
  const unused = tableRows(sectionOf(terms, '## 쓰지 않는 말'));
  const sources = readdirSync(new URL('console/src/', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => `console/src/${name}`);

  /** The words of the list that a text has, each with the one to use. */
  const found = (text: string) =>
    unused
      .map((row) => [row['쓰지 않는 말'] ?? '', row['쓰는 말']])
      .filter(([word = '']) => text.includes(word));

  test.each([...pairs.map(({ korean }) => korean), ...sources])('%s has none that we do not use', (path) => {
    expect(found(readText(path))).toEqual([]);
  });

  test('one that we do not use is found', () => {
    expect(found('결제를 멱등 키로 정산합니다')).toEqual([
      ['정산', '확정'],
      ['멱등 키', '멱등키'],
    ]);
  });

  test('each has another in the tables', () => {
    const [used = ''] = terms.split('## 쓰지 않는 말');
    expect(unused.map((row) => row['쓰는 말'] ?? '').filter((word) => !used.includes(word))).toEqual([]);
    expect(unused.length).toBeGreaterThan(10);
  });
});

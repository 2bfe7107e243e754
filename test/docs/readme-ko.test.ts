import { describe, expect, test } from 'vitest';
import { anchorsOf, linksOf, readText, withoutCodeBlocks } from './markdown.ts';
import { codeBlocksOf, codes } from './readme.ts';

/*
 * README.ko.md says what README.md says, block by block. Whoever changes a command, a row, a link or a
 * paragraph in one changes it in the other.
 */
const english = readText('README.md');
const korean = readText('README.ko.md');

interface Section {
  readonly heading: string;
  readonly text: string;
}

/** The text cut at its headings. */
function sectionsOf(markdown: string): readonly Section[] {
  // Lines of code that begin with `#` are no headings.
  const lines = markdown.split('\n');
  const sections: { heading: string; text: string }[] = [];
  let inCode = false;
  for (const line of lines) {
    inCode = line.startsWith('```') ? !inCode : inCode;
    if (!inCode && /^#+ /.test(line)) {
      sections.push({ heading: line, text: '' });
    } else {
      const current = sections.at(-1);
      if (current !== undefined) {
        current.text += `${line}\n`;
      }
    }
  }
  return sections;
}

function levelOf({ heading }: Section): number {
  return heading.indexOf(' ');
}

/** Everything that is not prose: rows of tables as their cells, all other blocks as their kind. */
function shapeOf(text: string): readonly string[] {
  return withoutCodeBlocks(text)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (line.startsWith('|') ? `row of ${line.split('|').length - 2}` : kindOf(line)));
}

function kindOf(line: string): string {
  return /^\d+\. /.test(line) ? 'step' : line.startsWith('- ') ? 'item' : 'paragraph';
}

/** The cells of every row. */
function cellsOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|'));
}

/** Figures outside of code marks; Korean writes some in digits that English writes in words. */
function figuresIn(cell: string): readonly string[] {
  return cell.replaceAll(/`[^`]*`/g, '').match(/\d+/g) ?? [];
}

function expectSameFacts(from: string, to: string): void {
  const rows = cellsOf(to);
  for (const [rowIndex, row] of cellsOf(from).entries()) {
    for (const [index, cell] of row.entries()) {
      const translated = rows[rowIndex]?.[index] ?? '';
      expect(codes(translated).toSorted(), cell).toEqual(codes(cell).toSorted());
      expect(figuresIn(translated), cell).toEqual(expect.arrayContaining([...figuresIn(cell)]));
    }
  }
}

const [originals, translations] = [sectionsOf(english), sectionsOf(korean)];

/** The anchor of the same heading in the translation; anchors of other pages stay. */
function translatedLink(link: string): string {
  const index = link.startsWith('#') ? anchorsOf(english).indexOf(link.slice(1)) : -1;
  return index < 0 ? link : `#${anchorsOf(korean)[index]}`;
}

test('both have the same headings, and lead to each other', () => {
  expect(translations.map(levelOf)).toEqual(originals.map(levelOf));
  expect(linksOf(english)).toContain('README.ko.md');
  expect(linksOf(korean)).toContain('README.md');
});

describe.each(originals.map((original, index) => [original.heading, original, translations[index]] as const))(
  '%s',
  (_heading, original, translation) => {
    const [from, to] = [original.text, translation?.text ?? ''];

    test('has the same commands, tables, code marks and links', () => {
      expect(codeBlocksOf(to)).toEqual(codeBlocksOf(from));
      expect(shapeOf(to)).toEqual(shapeOf(from));
      expectSameFacts(from, to);
      expect(new Set(codes(withoutCodeBlocks(to)))).toEqual(new Set(codes(withoutCodeBlocks(from))));
      const otherLanguage = new Set(['README.md', 'README.ko.md']);
      const links = (text: string) => linksOf(text).filter((link) => !otherLanguage.has(link));
      expect(links(to).toSorted()).toEqual(links(from).map(translatedLink).toSorted());
    });

    test('is translated', () => {
      const paragraphs = withoutCodeBlocks(to)
        .split('\n')
        .filter((line) => kindOf(line) !== 'row' && !line.startsWith('|') && /[A-Za-z]/.test(line));
      expect(paragraphs.filter((line) => !/\p{Script=Hangul}/u.test(line))).toEqual([]);
    });
  },
);

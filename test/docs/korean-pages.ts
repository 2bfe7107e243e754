import { dirname, join, normalize } from 'node:path/posix';
import { anchorsOf, linksOf, withoutCodeBlocks } from './markdown.ts';
import { codeBlocksOf, codes, sectionOf } from './readme.ts';

/*
 * What a Korean page shares with its English one: code, names and links. Words, order, headings and rows
 * are the Korean page's own.
 */

/** A page of both languages, by its paths. */
export interface Pair {
  readonly english: string;
  readonly korean: string;
}

export const pairs: readonly Pair[] = [
  { english: 'README.md', korean: 'README.ko.md' },
  { english: 'docs/testing.md', korean: 'docs/testing.ko.md' },
];

/** Only Korean pages lead there. */
const terms = 'docs/ko/terms.md';

const comments: Readonly<Record<string, RegExp>> = {
  sh: /(^|\s)#.*$/gm,
  yaml: /(^|\s)#.*$/gm,
  ts: /(^|\s)\/\/.*$/gm,
  go: /(^|\s)\/\/.*$/gm,
  kotlin: /(^|\s)\/\/.*$/gm,
};

/** Every code block without its comments, which each language writes in its own words. */
export function codeOf(markdown: string): readonly string[] {
  return codeBlocksOf(markdown).map(({ language, text }) => {
    const bare = text.replaceAll(comments[language] ?? /(?!)/g, '');
    return `${language}\n${bare.replaceAll(/[ \t]+$/gm, '').replaceAll(/\n+/g, '\n')}`;
  });
}

/** What stands in code marks. */
export function namesOf(markdown: string): ReadonlySet<string> {
  return new Set(codes(withoutCodeBlocks(markdown)));
}

/** Where the links of a page lead, alike in both languages. */
export function targetsOf(page: string, read: (path: string) => string): ReadonlySet<string> {
  const ownTargets = linksOf(read(page)).map((link) => targetOf(page, link, read));
  return new Set(ownTargets.filter((target) => target !== terms && target !== englishOf(page)));
}

function targetOf(page: string, link: string, read: (path: string) => string): string {
  if (/^[a-z]+:/.test(link)) {
    return link;
  }
  const [path = '', anchor = ''] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  const isOfPair = pairs.some(({ english, korean }) => english === target || korean === target);
  // Headings are translated: an anchor of a page of both languages is known by the code under it.
  const place = isOfPair && anchor !== '' ? firstCodeUnder(read(target), anchor) : anchor;
  return place === '' ? englishOf(target) : `${englishOf(target)}#${place}`;
}

function englishOf(path: string): string {
  return pairs.find(({ korean }) => korean === path)?.english ?? path;
}

/** The first block of the heading's section, with the sections below it; nothing if it has none. */
function firstCodeUnder(markdown: string, anchor: string): string {
  const numbers = codeBlocksOf(markdown).keys();
  // Lines of code that begin with `#` are no headings.
  const outline = `\n${markdown.replaceAll(/^```\w+\n.*?^```$/gms, () => `@${numbers.next().value}@`)}`;
  const headings = outline.match(/^#+ .*$/gm) ?? [];
  const heading = headings[anchorsOf(markdown).indexOf(anchor)];
  if (heading === undefined) {
    return '';
  }
  const section = sectionOf(outline, heading);
  const [own = ''] = section.split(/^#/m);
  const number = firstNumberIn(own);
  // A heading over others is not the first of them.
  return number === undefined
    ? `below: ${codeOf(markdown)[Number(firstNumberIn(section))] ?? ''}`
    : (codeOf(markdown)[Number(number)] ?? '');
}

function firstNumberIn(outline: string): string | undefined {
  return /^@(\d+)@$/m.exec(outline)?.[1];
}

/** Lines of prose without a word of Korean; headings and rows may be names alone, as the link to the other language is. */
export function untranslatedLinesOf(markdown: string): readonly string[] {
  return withoutCodeBlocks(markdown)
    .split('\n')
    .filter((line) => /[A-Za-z]/.test(line.replaceAll(/`[^`]*`|\]\([^)]*\)/g, '')))
    .filter((line) => !/^(#|\||\[English\])/.test(line) && !/\p{Script=Hangul}/u.test(line));
}

import { readFileSync } from 'node:fs';

/** README as it is in the repository. */
export const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** One fenced code block. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

/** All fenced code blocks of README, in their order. */
export function codeBlocks(): readonly CodeBlock[] {
  return codeBlocksOf(readme);
}

/** The same of another text. */
export function codeBlocksOf(markdown: string): readonly CodeBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The text under a heading of README, up to the next heading of the same or a higher level. */
export function section(heading: string): string {
  return sectionOf(readme, heading);
}

/** The same of another text. */
export function sectionOf(markdown: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const start = markdown.indexOf(`\n${heading}\n`);
  if (start < 0) {
    throw new Error(`there is no heading "${heading}"`);
  }
  const rest = markdown.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The rows of the first table in `text`, each by the names of its columns, code marks taken off. */
export function tableRows(text: string): readonly Readonly<Record<string, string>>[] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  const [header = [], , ...rows] = lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])));
}

/** What stands in code marks in a cell. */
export function codes(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

import { readText } from './markdown.ts';

/** README and the pages that lead on from it: what callers and operators follow line by line. */
const pages = [
  'README.md',
  'docs/getting-started.md',
  'docs/protocols.md',
  'docs/webhooks.md',
  'docs/kit.md',
  'docs/payments.md',
  'docs/reference/errors.md',
  'docs/reference/configuration.md',
  'docs/reference/metrics.md',
  'docs/tracing.md',
  'docs/scaling.md',
  'docs/eventbridge.md',
  'docs/commands.md',
];

/** All of them as one text. */
export const guide = pages.map(readText).join('\n');

/** One fenced code block. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

/** All fenced code blocks of the guide, in their order. */
export function codeBlocks(): readonly CodeBlock[] {
  return codeBlocksOf(guide);
}

/** The same of another text. */
export function codeBlocksOf(markdown: string): readonly CodeBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The text under a heading of the guide, up to the next heading of the same or a higher level. */
export function section(heading: string): string {
  return sectionOf(guide, heading);
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

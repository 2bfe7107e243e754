import { readFileSync } from 'node:fs';

/** The repository's root. */
export const root = new URL('../../', import.meta.url);

/** A text of the repository, by its path from the root. */
export function readText(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** A text without its fenced code blocks. */
export function withoutCodeBlocks(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, '');
}

/** The anchors that GitHub makes of the headings. */
export function anchorsOf(markdown: string): readonly string[] {
  return [...withoutCodeBlocks(markdown).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Where links and images lead, in their order. */
export function linksOf(markdown: string): readonly string[] {
  return [...withoutCodeBlocks(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

import { readFileSync } from 'node:fs';

/** A table of cells that are Markdown; bars in them are escaped. */
export function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  return [names, names.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`)
    .join('\n');
}

/** The texts of a page, whose links lead from where they lie, as links of docs/reference. */
export function readTexts(file: URL): string {
  return readFileSync(file, 'utf8').replaceAll(/(?:\.\.\/)+docs\//g, '../');
}

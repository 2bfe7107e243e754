import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { createPaint, type Paint, showsColours } from '../../base/paint.ts';
import { escapeInvisible } from '../../base/visible-text.ts';

/** Paints text for standard output. */
export const paint: Paint = createPaint(showsColours(process.stdout));

/** Prints lines, with escapes for control characters that others may have written. */
export function printLines(text: string): void {
  printPainted(escapeLines(text));
}

/** Prints one line, whatever others have written into it. */
export function printLine(text: string): void {
  printPainted(escapeInvisible(text));
}

/** Prints what was made of painted texts. */
export function printPainted(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The same to standard error, without colours. */
export function printError(text: string): void {
  process.stderr.write(`${escapeLines(text)}\n`);
}

/** The text with escapes for control characters, but for the ends of its lines. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeInvisible).join('\n');
}

/** Prints a message as the service answers it in JSON: names as in the contract, one line. */
export function printJson<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): void {
  printLine(JSON.stringify(toJson(desc, message, { useProtoFieldName: true })));
}

/** Prints columns under their names; says so when there are no rows. */
export function printTable(names: readonly string[], rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) {
    printLine('none');
    return;
  }
  const shown = [names, ...rows].map((row) => row.map(escapeInvisible));
  const widths = names.map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)));
  for (const [index, row] of shown.entries()) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    printPainted(index === 0 ? paint('dim', line.trimEnd()) : line.trimEnd());
  }
}

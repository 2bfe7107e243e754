import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from './child.ts';

/** One figure and, where there is one, the target it is held against. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Prints the figures as a Markdown table and keeps them with what they were made of. */
export function report(title: string, figures: readonly Figure[], raw: unknown): void {
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
  const rows = figures.map(
    (figure) => `| ${figure.name} | ${format(figure.value)} ${figure.unit} | ${describeTarget(figure)} |`,
  );
  console.log(`\n${title}, ${date}, ${machine}\n`);
  console.log(['| figure | measured | target |', '|---|---|---|', ...rows].join('\n'));
  const directory = join(root, 'bench/results');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${date}-${title}.json`);
  writeFileSync(path, `${JSON.stringify({ date, machine, figures, raw }, undefined, 1)}\n`);
  console.log(`\nRaw figures: ${path}`);
}

function describeTarget({ value, atLeast, atMost }: Figure): string {
  if (atLeast !== undefined) {
    return `≥ ${atLeast} ${value >= atLeast ? 'met' : 'MISSED'}`;
  }
  if (atMost !== undefined) {
    return `≤ ${atMost} ${value <= atMost ? 'met' : 'MISSED'}`;
  }
  return '';
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2);
}

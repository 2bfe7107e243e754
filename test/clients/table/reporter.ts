import { readFileSync, writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { table } from '../../../dev/reference/markdown.ts';
import { type ClientRow, clientRows, marks, page } from './rows.ts';

/** Writes the table of docs/clients.md from what the run has seen. */
export default class ClientTableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const rows = clientRows.map((row) => [row.client, row.version(), row.tested, resultOf(row, tests)]);
    const [before, rest] = split(readFileSync(page, 'utf8'), marks[0]);
    const [, after] = split(rest, marks[1]);
    const made = table(['Client', 'Version', 'What was tested', 'Result'], rows);
    writeFileSync(page, `${before}${marks[0]}\n\n${made}\n\n${marks[1]}${after}`);
  }
}

function resultOf({ tests: [file, name = ''] }: ClientRow, tests: readonly TestCase[]): string {
  const mine = tests.filter(
    (test) => test.module.moduleId.endsWith(file) && ` > ${test.fullName}`.includes(name),
  );
  const states = new Set(mine.map((test) => test.result().state));
  const day = new Date().toISOString().slice(0, 10);
  if (mine.length === 0 || states.has('skipped') || states.has('pending')) {
    return `not run, ${day}`;
  }
  return `${states.has('failed') ? 'failed' : 'passed'}, ${day}`;
}

/** @throws Error where the mark is not there. */
function split(text: string, mark: string): readonly [before: string, after: string] {
  const at = text.indexOf(mark);
  if (at === -1) {
    throw new Error(`${page} is without ${mark}`);
  }
  return [text.slice(0, at), text.slice(at + mark.length)];
}

import { globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readText, root } from './markdown.ts';
import { codes, sectionOf, tableRows } from './readme.ts';

interface Import {
  readonly file: string;
  /** Folder that it is imported from; empty for what lies in `src/` itself. */
  readonly folder: string;
  readonly isTypeOnly: boolean;
}

const rows = tableRows(sectionOf(readText('docs/architecture.md'), '## Rooms and doors'));

function foldersIn(cell: string | undefined): readonly string[] {
  return codes(cell ?? '').map((folder) => folder.replace(/\/$/, ''));
}

/** `state/memory` of `src/state/memory/x.ts`, nothing of `src/x.ts`, `gen` of all that is generated. */
function folderOf(path: string): string {
  if (!path.startsWith('src/')) {
    return path.split('/')[0] ?? '';
  }
  const folder = dirname(path).slice('src/'.length);
  return folder.startsWith('state/') ? folder : (folder.split('/')[0] ?? '');
}

const imports: readonly Import[] = globSync('src/*/**/*.ts', { cwd: fileURLToPath(root) }).flatMap((file) =>
  [...readText(file).matchAll(/^(?:import|export) (type )?[^;]*? from '(\.[^']+)';/gms)].map(
    ([, type, path = '']) => ({
      file,
      folder: folderOf(normalize(join(dirname(file), path))),
      isTypeOnly: type !== undefined,
    }),
  ),
);

test('every folder has its row', () => {
  const folders = new Set(imports.map(({ file }) => folderOf(file)));
  expect(new Set(rows.flatMap((row) => foldersIn(row['Folder'])))).toEqual(folders);
});

describe('imports are those that the table allows', () => {
  test.each(rows.map((row) => [foldersIn(row['Folder'])[0] ?? '', row] as const))('%s', (folder, row) => {
    const mayUse = new Set([folder, '', ...foldersIn(row['May use'])]);
    const types = new Set([...mayUse, ...foldersIn(row['Types only'])]);
    const own = imports.filter(({ file }) => folderOf(file) === folder);
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter((one) => !(one.isTypeOnly ? types : mayUse).has(one.folder))).toEqual([]);
    // What the table allows and nobody uses is not worth telling.
    const used = new Set(own.map((one) => one.folder));
    expect([...types].filter((one) => one !== '' && one !== folder && !used.has(one))).toEqual([]);
  });
});

test('only payment-handlers and the server know protobuf', () => {
  const files = imports.filter(({ folder }) => folder === 'gen').map(({ file }) => file);
  expect(
    files.filter(
      (file) => file !== 'src/contracts/payment-v1/handlers.ts' && !file.startsWith('src/server/'),
    ),
  ).toEqual([]);
});

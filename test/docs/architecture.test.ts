import { existsSync, globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readText, root } from './markdown.ts';
import { codes, sectionOf, tableRows } from './readme.ts';

/* The law of docs/architecture.md, "Rooms and floors": types count as much as values. */

interface Import {
  readonly file: string;
  readonly imported: string;
}

const cwd = fileURLToPath(root);
const files = globSync('src/**/*.ts', { cwd }).toSorted();

/** What the files of `src` import of this repository, in whichever way. */
const imports: readonly Import[] = files.flatMap((file) =>
  [...readText(file).matchAll(/(?:\bfrom|\bimport\(|^import) ?'(\.[^']+)'/gm)].map(([, path = '']) => ({
    file,
    imported: normalize(join(dirname(file), path)),
  })),
);

/** The floor of every room, from the table. */
const floors: ReadonlyMap<string, number> = new Map(
  tableRows(sectionOf(readText('docs/architecture.md'), '## Rooms and floors')).flatMap((row) =>
    codes(row['Room'] ?? '').map((room): [string, number] => [room.replace(/\/$/, ''), Number(row['Floor'])]),
  ),
);

/** `state` of `src/state/memory/x.ts`; empty for what lies in `src` itself, undefined outside of it. */
function roomOf(path: string): string | undefined {
  const [top, ...rest] = path.split('/');
  return top === 'src' ? (rest.slice(0, -1)[0] ?? '') : undefined;
}

function show({ file, imported }: Import): string {
  return `${file} imports ${imported}`;
}

/** The first circle that is found, empty when there is none. */
function findCircle(arrows: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const done = new Set<string>();
  function visit(node: string, path: readonly string[]): readonly string[] {
    if (path.includes(node)) {
      return [...path.slice(path.indexOf(node)), node];
    }
    if (done.has(node)) {
      return [];
    }
    for (const next of arrows.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle.length > 0) {
        return circle;
      }
    }
    done.add(node);
    return [];
  }
  for (const node of arrows.keys()) {
    const circle = visit(node, []);
    if (circle.length > 0) {
      return circle;
    }
  }
  return [];
}

/** Who imports whom, named by `nameOf`; what imports itself is left out. */
function arrowsBetween(nameOf: (path: string) => string): ReadonlyMap<string, ReadonlySet<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const { file, imported } of imports) {
    const [from, to] = [nameOf(file), nameOf(imported)];
    if (from !== to && imported.startsWith('src/')) {
      arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
    }
  }
  return arrows;
}

test('the reading of imports finds all ways to import', () => {
  expect(imports.length).toBeGreaterThan(600);
  const found = new Set(imports.map(show));
  expect(found).toContain('src/main.ts imports src/cli/program.ts'); // import()
  expect(found).toContain('src/app/open-state.ts imports src/state/redis/redis-state.ts'); // both
  expect(found).toContain('src/index.ts imports src/kit/start-payment-sim.ts'); // export … from
});

test('every room has its floor, and every floor its rooms', () => {
  const rooms = new Set(files.flatMap((file) => roomOf(file) || []));
  expect(new Set(floors.keys())).toEqual(rooms);
});

describe('imports go down the floors', () => {
  test.each([...floors])('from %s, on floor %i', (room, floor) => {
    const own = imports.filter(({ file }) => roomOf(file) === room);
    const wrong = own.filter(({ imported }) => {
      const other = roomOf(imported);
      return other !== undefined && other !== room && !((floors.get(other) ?? 0) > floor);
    });
    expect(wrong.map(show)).toEqual([]);
  });
});

test('nobody imports what lies in src itself: those are the entries', () => {
  expect(imports.filter(({ imported }) => roomOf(imported) === '').map(show)).toEqual([]);
});

test('base imports nothing of ours', () => {
  const outside = imports.filter(
    ({ file, imported }) => roomOf(file) === 'base' && roomOf(imported) !== 'base',
  );
  expect(outside.map(show)).toEqual([]);
});

test('the HTTP/2 session could be published: it imports nothing of ours but base/', () => {
  const own = imports.filter(({ file }) => file.startsWith('src/server/http2/'));
  expect(own.length).toBeGreaterThan(20);
  const others = own.filter(({ imported }) => !/^src\/(server\/http2|base)\//.test(imported));
  expect(others.map(show)).toEqual([]);
});

test('there is no circle of files, and none of folders', () => {
  expect(findCircle(arrowsBetween((path) => path))).toEqual([]);
  expect(findCircle(arrowsBetween((path) => dirname(path)))).toEqual([]);
});

test('what is outside of src and gen is not imported', () => {
  const outside = imports.filter(({ imported }) => !/^(src|gen)\//.test(imported));
  expect(outside.map(show)).toEqual([]);
});

test('only contracts, the server, those who wire them up, and those who call know protobuf', () => {
  const rooms = imports.filter(({ imported }) => imported.startsWith('gen/')).map(({ file }) => roomOf(file));
  // The root is contract.ts, which exports it.
  expect(new Set(rooms)).toEqual(new Set(['contracts', 'server', 'app', 'cli', 'kit', '']));
});

test('the domain does no input and output', () => {
  const domain = files.filter((file) => ['payment', 'simulator'].includes(roomOf(file) ?? ''));
  const modules = domain.flatMap((file) =>
    [...readText(file).matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name),
  );
  // For fingerprints.
  expect(new Set(modules)).toEqual(new Set(['node:crypto']));
});

test('every folder with more than five files says in a README what it is for', () => {
  const folders = new Map<string, number>();
  for (const file of [...files, ...globSync('dev/*.ts', { cwd })]) {
    folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1);
  }
  const large = [...folders].flatMap(([folder, count]) => (count > 5 && folder !== 'src' ? [folder] : []));
  expect(large.length).toBeGreaterThan(5);
  expect(large.filter((folder) => !existsSync(join(cwd, folder, 'README.md')))).toEqual([]);
});

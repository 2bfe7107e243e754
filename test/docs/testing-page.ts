import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PaymentSim, SimSession } from '../../src/index.ts';
import { readText, root } from './markdown.ts';
import { codeBlocksOf } from './readme.ts';

/* docs/testing.md by its headings, and its TypeScript as one module. */

/** What stands under one heading of any level, up to the next. */
export interface PageSection {
  readonly heading: string;
  /** Shell. */
  readonly commands: readonly string[];
  /** TypeScript. */
  readonly snippets: readonly string[];
}

/** Where the calls and the webhooks of a snippet go instead of localhost. */
export interface Addresses {
  readonly webhookUrl: string;
  readonly apiUrl: string;
}

/** What the page has in all of its snippets. */
export interface Started {
  readonly sim: PaymentSim;
  readonly session: SimSession;
  readonly pay: () => Promise<{ readonly paymentIntentId: string }>;
}

/** What a snippet has declared, by its names. */
export type Declared = Readonly<Record<string, unknown>>;

/** The page's TypeScript. */
export interface PageModule {
  start(at: Addresses): Promise<Started>;
  readonly snippets: Readonly<
    Record<string, readonly ((at: Addresses, started: Started) => Promise<Declared>)[]>
  >;
}

/** The first blocks of the page's first section are what all others go by. */
export const startHeading = 'Start';
const startSnippets = 2;

export const sections: readonly PageSection[] = readText('docs/testing.md')
  .split(/^#+ /m)
  .map((text) => {
    const blocks = codeBlocksOf(text);
    const of = (language: string) =>
      blocks.filter((block) => block.language === language).map((block) => block.text);
    return { heading: text.slice(0, text.indexOf('\n')), commands: of('sh'), snippets: of('ts') };
  })
  .filter(({ commands, snippets }) => commands.length + snippets.length > 0);

const importPattern = /^import \{([^}]*)\} from '([^']+)';\n/gm;
const sources: Readonly<Record<string, string>> = {
  'payment-sim': fileURLToPath(new URL('src/index.ts', root)),
  'payment-sim/gen': fileURLToPath(new URL('src/contract.ts', root)),
};

/** Writes the module and a configuration to check its types with into a directory of their own. */
export function writePageModule(): { readonly directory: string; readonly path: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'payment-sim-testing-page-'));
  const path = join(directory, 'page.ts');
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  writeFileSync(path, moduleText());
  const compilerOptions = {
    noUnusedParameters: false,
    typeRoots: [fileURLToPath(new URL('node_modules/@types', root))],
  };
  const extended = fileURLToPath(new URL('tsconfig.json', root));
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ extends: extended, compilerOptions, include: ['page.ts'] }),
  );
  return { directory, path, remove: () => rmSync(directory, { recursive: true }) };
}

function moduleText(): string {
  const own = sections.find(({ heading }) => heading === startHeading)?.snippets.slice(0, startSnippets);
  const start = (own ?? []).join('\n');
  const snippets = sections.map(({ heading, snippets: texts }) => {
    const functions = texts.map((text) =>
      heading === startHeading && own?.includes(text)
        ? 'async () => ({})'
        : `async (at: At, { sim, session, order, pay }: Started) => {\n${bodyOf(text)}}`,
    );
    return `${JSON.stringify(heading)}: [${functions.join(',\n')}],`;
  });
  return [
    importsOf(sections.flatMap((section) => section.snippets)),
    'interface At { readonly webhookUrl: string; readonly apiUrl: string }',
    'type Started = Awaited<ReturnType<typeof start>>;',
    `export async function start(at: At) {\n${bodyOf(start)}}`,
    `export const snippets = {\n${snippets.join('\n')}\n};`,
  ].join('\n');
}

/** All imports, each name once. */
function importsOf(texts: readonly string[]): string {
  const names = new Map<string, Set<string>>();
  for (const [, list = '', source = ''] of texts.join('').matchAll(importPattern)) {
    const known = names.get(source) ?? new Set();
    names.set(source, known);
    list.split(',').forEach((name) => known.add(name.trim()));
  }
  return [...names]
    .map(([source, known]) => `import { ${[...known].join(', ')} } from '${sources[source] ?? source}';`)
    .join('\n');
}

/** Without imports, with other addresses, and giving back what it declares. */
function bodyOf(text: string): string {
  const declared = [...text.matchAll(/^const (\w+|\{[^}]*\}|\[[^\]]*\]) =/gm)].map(([, name = '']) =>
    name.replaceAll(/[{}[\]]/g, ''),
  );
  const here = text
    .replaceAll(importPattern, '')
    .replaceAll("'http://localhost:9000/webhooks'", 'at.webhookUrl')
    .replaceAll("'http://localhost:8030'", 'at.apiUrl');
  return `${here}\nreturn { ${declared.join(', ')} };\n`;
}

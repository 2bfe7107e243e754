import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/*
 * `npm run build:console`: bundles the console into dist/console, which the service serves. Its file names have a hash
 * of what is in them, so a browser may keep them.
 */

/** Of all scripts together, compressed: what a newcomer waits for. */
const maxScriptBytes = 150_000;

const folder = fileURLToPath(new URL('.', import.meta.url));
const target = fileURLToPath(new URL('../dist/console', import.meta.url));

const { script, packages } = await bundle(`${folder}src/main.tsx`);
const styles = readFileSync(`${folder}src/styles.css`, 'utf8');
const scriptBytes = gzipSync(script).length;
if (scriptBytes > maxScriptBytes) {
  throw new Error(`the console has ${scriptBytes} bytes of compressed script, more than ${maxScriptBytes}`);
}

// Several may build at the same time, and somebody may serve the folder meanwhile: files are added, then the page that
// names them is put in place, then what it does not name goes.
mkdirSync(`${target}/assets`, { recursive: true });
const written = new Set<string>();
const page = readFileSync(`${folder}index.html`, 'utf8')
  .replace('%SCRIPT%', write('console', 'js', script))
  .replace('%STYLES%', write('console', 'css', styles))
  .replace('%LICENCES%', write('licences', 'txt', describeLicences(packages)));
const unnamed = `${target}/index.html.${process.pid}`;
writeFileSync(unnamed, page);
renameSync(unnamed, `${target}/index.html`);
for (const name of readdirSync(`${target}/assets`)) {
  if (!written.has(name)) {
    rmSync(`${target}/assets/${name}`, { force: true });
  }
}
process.stdout.write(`dist/console: ${scriptBytes} bytes of script, compressed\n`);

/** The script, and the folders of the packages that are in it. */
async function bundle(input: string) {
  const build = await rolldown({
    input,
    platform: 'browser',
    tsconfig: `${folder}tsconfig.json`,
  });
  const { output } = await build.generate({ format: 'esm', minify: true });
  await build.close();
  const { code, moduleIds } = output[0];
  const found = moduleIds.flatMap((id) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
  return { script: code, packages: [...new Set(found)].toSorted() };
}

/** What the licences of bundled packages ask for: that their text goes with them. */
function describeLicences(folders: readonly string[]): string {
  const texts = folders.map((path) => {
    const { name, version } = JSON.parse(readFileSync(`${path}/package.json`, 'utf8'));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? licenceWithoutText(path) : readFileSync(`${path}/${file}`, 'utf8');
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return texts.join(`\n${'-'.repeat(70)}\n\n`);
}

/** Some packages only name theirs. */
function licenceWithoutText(path: string): string {
  const { license } = JSON.parse(readFileSync(`${path}/package.json`, 'utf8'));
  return `Licence: ${license}`;
}

/** Writes a file under a name with its hash. @returns its address. */
function write(name: string, ending: string, text: string): string {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 10);
  const file = `${name}-${hash}.${ending}`;
  writeFileSync(`${target}/assets/${file}`, text);
  written.add(file);
  return `/assets/${file}`;
}

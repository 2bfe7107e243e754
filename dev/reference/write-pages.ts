import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makePages } from './pages.ts';

// `npm run generate:docs`: writes the pages of docs/reference that are made from the code.
const root = fileURLToPath(new URL('../../', import.meta.url));
mkdirSync(`${root}docs/reference`, { recursive: true });
for (const [path, text] of await makePages()) {
  writeFileSync(root + path, text);
  process.stdout.write(`${path}\n`);
}

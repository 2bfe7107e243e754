import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { describeLicences, readPackages } from './list-licences.ts';

/** `npm run licences`: writes THIRD_PARTY_LICENSES.md. */
const root = fileURLToPath(new URL('../../', import.meta.url));
const text = describeLicences(readPackages(`${root}package-lock.json`));
writeFileSync(`${root}THIRD_PARTY_LICENSES.md`, await format(text, { parser: 'markdown' }));

import { readFileSync } from 'node:fs';

/** What may be shipped with the service: nothing that asks for more than a notice. */
const permissive = new Set(['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD']);

/** What else may be used for development: it is not shipped. */
const forDevelopment = new Set(['MPL-2.0', 'CC0-1.0', 'Unlicense']);

/** A package of the lock file. */
export interface LicensedPackage {
  readonly name: string;
  readonly version: string;
  /** As the package says it, in SPDX's terms. */
  readonly licence: string;
  readonly isForDevelopment: boolean;
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly license?: string; readonly dev?: boolean }>
  >;
}

/** Every package that `npm ci` installs on any platform, by name. */
export function readPackages(lockFile: string): readonly LicensedPackage[] {
  const { packages }: LockFile = JSON.parse(readFileSync(lockFile, 'utf8'));
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { version, license, dev }]) => ({
      name: path.split('node_modules/').at(-1) ?? path,
      version,
      licence: license ?? 'none',
      isForDevelopment: dev === true,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** Whether all that a licence expression asks for is allowed. */
export function isAllowed({ licence, isForDevelopment }: LicensedPackage): boolean {
  return licence
    .replace(/^\((.*)\)$/, '$1')
    .split(' AND ')
    .every((part) => permissive.has(part) || (isForDevelopment && forDevelopment.has(part)));
}

/** The text of THIRD_PARTY_LICENSES.md. */
export function describeLicences(packages: readonly LicensedPackage[]): string {
  const shipped = packages.filter(({ isForDevelopment }) => !isForDevelopment);
  const rows = shipped.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  return `# Licences of others

Made by \`npm run licences\` from \`package-lock.json\`; do not edit.

## Packages that the service and the worker need at run time

The text of each licence is in the package, under \`node_modules/\`. Packages for development only are not shipped and not listed here.

| Package | Version | Licence |
| --- | --- | --- |
${rows.join('\n')}

## Files in this repository

| Files | From | Licence |
| --- | --- | --- |
| \`proto/google/\`, \`gen/google/\` | googleapis | Apache-2.0 |
| \`proto/grpc/\`, \`gen/grpc/\` | grpc-proto | Apache-2.0 |
`;
}

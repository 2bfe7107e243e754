import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { EnvironmentReader } from '../../src/base/env/config-reader.ts';
import { tryLoad } from '../../src/base/env/try-load.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';
import { codes, tableRows } from '../docs/readme.ts';
import { containerOf, deploymentsOf, environmentOf, readManifests } from './manifests.ts';

const text = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
const rows = tableRows(text.split('\n## Environments\n')[1] ?? '');

/** Stand for the values of Secrets, and say so. */
const secrets = { WEBHOOK_SECRET: 'Secret', REDIS_URL: 'Secret' };

describe.each(['development', 'staging', 'production'] as const)('%s', (overlay) => {
  const manifests = readManifests(overlay);
  const variables = Object.assign(
    {},
    ...deploymentsOf(manifests).map((deployment) =>
      environmentOf(containerOf(deployment), manifests, secrets),
    ),
  ) as Record<string, string>;
  const config = loadConfig({
    ...variables,
    ...(variables['REDIS_URL'] !== undefined && { REDIS_URL: 'rediss://redis.example' }),
  });
  /** What follows from ENVIRONMENT where nothing is set. */
  const defaults: Record<string, string> = {
    WEBHOOK_SECRET: 'default',
    REDIS_URL: 'none',
    REFLECTION: config.reflection ? 'on' : 'off',
    SIMULATOR_API: config.simulatorApi ? 'on' : 'off',
    MAGIC_USERS: config.magicUsers ? 'on' : 'off',
    CONSOLE: config.console ? 'on' : 'off',
    CORS_ORIGINS: config.corsOrigins.length === 0 ? 'none' : config.corsOrigins.join(','),
  };

  test('is as docs/deployment.md says', () => {
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) {
      const [name = ''] = codes(row['Variable'] ?? '');
      const documented = (row[overlay] ?? '').replaceAll('\\', '').replaceAll('`', '');
      const value = variables[name] ?? defaults[name] ?? '';
      if (documented.includes('…')) {
        const [start = '', end = ''] = documented.split('…');
        expect([value.slice(0, start.length), value.slice(-end.length)], name).toEqual([start, end]);
      } else {
        expect(value, name).toBe(documented);
      }
    }
  });
});

test('whatever the overlays set to something else than its default is in docs/deployment.md', () => {
  const documented = new Set(rows.map((row) => codes(row['Variable'] ?? '')[0]));
  for (const overlay of ['development', 'staging', 'production'] as const) {
    const manifests = readManifests(overlay);
    for (const deployment of deploymentsOf(manifests)) {
      const variables = environmentOf(containerOf(deployment), manifests, secrets);
      const standard = valuesOf({ ENVIRONMENT: variables['ENVIRONMENT'] ?? '' });
      const different = Object.entries(variables).filter(([name, value]) => standard.get(name) !== value);
      const missing = different.filter(([name]) => !documented.has(name));
      expect(missing, overlay).toEqual([]);
    }
  }
});

/** What service and worker read, as text; the default where it is not set. */
function valuesOf(env: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const read = new EnvironmentReader(env);
  tryLoad(() => loadConfig(env, read));
  tryLoad(() => loadWorkerConfig(env, read));
  return new Map([...read.values].map(([name, value]) => [name, String(value ?? '')]));
}

test('what differs between the overlays is in docs/deployment.md', () => {
  const maps = (['staging', 'production'] as const).map(
    (overlay) =>
      Object.assign({}, ...readManifests(overlay).map(({ data }) => data ?? {})) as Record<string, string>,
  );
  const [staging = {}, production = {}] = maps;
  const different = Object.keys({ ...staging, ...production }).filter(
    (name) => staging[name] !== production[name],
  );
  const documented = new Set(rows.map((row) => codes(row['Variable'] ?? '')[0]));
  expect(different.filter((name) => !documented.has(name))).toEqual([]);
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/app/config.ts';
import { knownVariables } from '../../src/cli/common/known-variables.ts';
import { createProgram } from '../../src/cli/program.ts';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: readonly string[];
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

const { services } = parse(readFileSync(new URL('../../compose.yaml', import.meta.url), 'utf8')) as {
  services: Readonly<Record<'payment-sim' | 'redis' | 'worker', Service>>;
};
const ours = [services['payment-sim'], services.worker];

test('compose.yaml runs what there is, on the ports of the configuration', async () => {
  const { grpcPort, healthPort } = loadConfig({});
  expect(services['payment-sim'].ports).toEqual([`${grpcPort}:${grpcPort}`, `${healthPort}:${healthPort}`]);
  const [command = ''] = services.worker.command ?? [];
  expect((await createProgram(command)).commands.map((each) => each.name())).toEqual(['worker']);
  expect(ours.map(({ image, build }) => [image, build])).toEqual([
    ['payment-sim', '.'],
    ['payment-sim', '.'],
  ]);
});

test('its variables are read, its Redis evicts nothing, and a stop has the time that it takes', () => {
  const known = knownVariables();
  const set = ours.flatMap(({ environment = [] }) => environment.map((entry) => entry.replace(/=.*/, '')));
  expect(set).toContain('REDIS_URL');
  expect(set.filter((name) => !known.has(name))).toEqual([]);
  expect(services.redis.command).toEqual(expect.arrayContaining(['--maxmemory-policy', 'noeviction']));
  for (const { stop_grace_period: grace = '' } of ours) {
    expect(Number.parseInt(grace, 10) * 1_000).toBeGreaterThan(loadConfig({}).shutdownGraceMs);
  }
});

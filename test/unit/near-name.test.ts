import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { EnvironmentReader } from '../../src/base/env/config-reader.ts';
import { misspeltNames } from '../../src/base/env/misspelt-names.ts';
import { tryLoad } from '../../src/base/env/try-load.ts';
import { nearestName } from '../../src/base/near-name.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';

test.each([
  ['DEFAULT_DELY_MS', 'DEFAULT_DELAY_MS'],
  ['DEFUALT_DELAY_MS', 'DEFAULT_DELAY_MS'],
  ['default_delay', undefined],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['LOG_LEVEL', undefined],
  ['HOSTS', 'HOST'],
  ['HOSTNAME', undefined],
  ['PORT', undefined],
  ['H', undefined],
])('%s is near %s', (name, near) => {
  expect(nearestName(name, ['DEFAULT_DELAY_MS', 'LOG_LEVEL', 'HOST', 'GRPC_PORT'])).toBe(near);
});

/** All that service and worker read. */
function readNames(): ReadonlySet<string> {
  const [service, worker] = [new EnvironmentReader({}), new EnvironmentReader({})];
  loadConfig({}, service);
  tryLoad(() => loadWorkerConfig({}, worker));
  return new Set([...service.values.keys(), ...worker.values.keys()]);
}

describe('names of variables', () => {
  test('of service, worker and development are near none of each other', () => {
    const names = readNames();
    expect(names.size).toBeGreaterThan(50);
    const alike = [...names].flatMap((name) => {
      const others = [...names].filter((other) => other !== name);
      const near = nearestName(name, others);
      return near === undefined ? [] : [[name, near]];
    });
    expect(alike).toEqual([]);
    const development = [
      'DEV_RESERVATION_API_PORT',
      'DEV_WEBHOOK_PORT',
      'DEV_EVENTBRIDGE_PORT',
      'DEV_SQS_PORT',
    ];
    expect(misspeltNames(Object.fromEntries(development.map((name) => [name, '1'])), names)).toEqual([]);
  });

  test('of others are not taken for slips', () => {
    const others = [
      'AWS_ENDPOINT_URL_SNS',
      'AWS_DEFAULT_REGION',
      'HOSTNAME',
      'HOSTTYPE',
      'REDIS_HOST',
      'PATH',
      'HTTP_PORT',
    ];
    expect(misspeltNames(Object.fromEntries(others.map((name) => [name, 'x'])), readNames())).toEqual([]);
  });
});

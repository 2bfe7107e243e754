import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';
import { codes, section, tableRows } from './readme.ts';

type Environment = Readonly<Record<string, string>>;

const requiredByWorker = { PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:1/000000000000/queue' };
/** Some variables are looked at only beside others. */
const environments: readonly Environment[] = [
  {},
  { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' },
];

const traceRows = tableRows(section('## Traces'));
const serviceRows = [
  ...tableRows(section('## Service')),
  ...tableRows(section('## EventBridge')),
  ...traceRows,
];
const workerRows = tableRows(section('## Reservation worker'));

function nameOf(row: Readonly<Record<string, string>>): string {
  return codes(row['Variable'] ?? '')[0] ?? '';
}

function namesReadBy(load: (env: Environment) => unknown, required: Environment): ReadonlySet<string> {
  const names = new Set<string>();
  for (const env of environments) {
    load(
      new Proxy<Environment>(
        { ...env, ...required },
        {
          get(target, name) {
            names.add(String(name));
            return target[String(name)];
          },
        },
      ),
    );
  }
  return names;
}

function mistakesIn(load: (env: Environment) => unknown, env: Environment): readonly string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.mistakes : [String(error)];
  }
}

test('its page names exactly the variables that the service reads', () => {
  const awsText = section('## EventBridge').split('Credentials are found').at(-1) ?? '';
  const documented = new Set([...serviceRows.map(nameOf), ...codes(awsText).filter(isVariable)]);
  expect([...documented].toSorted()).toEqual([...namesReadBy(loadConfig, {})].toSorted());
});

test('its page names exactly the variables that the worker reads', () => {
  const text = section('## Reservation worker');
  const awsVariables = codes(section('## EventBridge')).filter((name) =>
    /^(AWS_|HOME$|USERPROFILE$)|_proxy$/i.test(name),
  );
  const shared = codes(text.split('\n|')[0] ?? '').filter(isVariable);
  const documented = new Set([...shared, ...[...workerRows, ...traceRows].map(nameOf), ...awsVariables]);
  expect([...documented].toSorted()).toEqual([...namesReadBy(loadWorkerConfig, requiredByWorker)].toSorted());
});

describe.each([
  ['service', serviceRows, loadConfig, {}],
  ['worker', workerRows, loadWorkerConfig, requiredByWorker],
] as const)('%s', (_name, rows, load, required) => {
  test.each(rows.map((row) => [nameOf(row), row] as const))('%s has its default', (name, row) => {
    const [documented] = codes(row['Default'] ?? '');
    const unset = load(required);
    if (documented === undefined) {
      expect(row['Default']).toBe('');
    } else {
      expect(load({ ...required, [name]: documented })).toEqual(unset);
    }
    // A value of its own must make a difference, or the check above would pass for any default.
    const values = row['Values'] ?? '';
    const other = otherValue(documented, values);
    expect(
      mistakesIn(load, { ...required, [name]: other }).length > 0 ||
        !same(load({ ...required, [name]: other }), unset),
    ).toBe(true);
  });

  test.each(
    rows
      .filter((row) => /^\d+ to \d+$/.test(row['Values'] ?? ''))
      .map((row) => [nameOf(row), row['Values'] ?? '']),
  )('%s goes from %s', (name, values) => {
    const [min = Number.NaN, max = Number.NaN] = values.split(' to ').map(Number);
    const outOfRange = (value: number) =>
      mistakesIn(load, { ...required, [name]: String(value) }).filter((mistake) =>
        mistake.startsWith(`${name} must be a whole number`),
      );
    expect(outOfRange(min)).toEqual([]);
    expect(outOfRange(max)).toEqual([]);
    expect(outOfRange(min - 1)).toHaveLength(1);
    expect(outOfRange(max + 1)).toHaveLength(1);
  });

  test.each(
    rows
      .filter((row) => codes(row['Values'] ?? '').length > 0)
      .map((row) => [nameOf(row), codes(row['Values'] ?? '')] as const),
  )('%s takes its values and no other', (name, values) => {
    const wrong = mistakesIn(load, { ...required, [name]: 'nonsense' });
    expect(wrong).toEqual([`${name} must be one of ${values.join(', ')}, not "nonsense"`]);
  });
});

function isVariable(code: string): boolean {
  return /^([A-Z][A-Z_]+|(https?|no)_proxy)$/.test(code);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A value that is not the default. */
function otherValue(documented: string | undefined, values: string): string {
  const fromList = codes(values).find((value) => value !== documented);
  const fromRange = /^(\d+) to (\d+)$/.exec(values);
  return (
    fromList ??
    (fromRange === null ? 'https://127.0.0.1/other' : (fromRange[documented === fromRange[1] ? 2 : 1] ?? ''))
  );
}

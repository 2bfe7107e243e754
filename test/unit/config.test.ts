import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PaymentScenario } from '../../gen/payment/v1/payment_pb.js';
import { EnvironmentReader } from '../../src/base/env/config-reader.ts';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';
import { mistakesOf } from '../support/config-mistakes.ts';

interface VariableCase {
  readonly name: string;
  readonly key: keyof Config;
  readonly standard: unknown;
  readonly good: readonly (readonly [text: string, value: unknown])[];
  readonly bad: readonly string[];
}

/** A whole number from `min` to `max`. */
function integer(name: string, key: keyof Config, standard: unknown, min: number, max: number): VariableCase {
  return {
    name,
    key,
    standard,
    good: [
      [String(min), min],
      [` ${max} `, max],
    ],
    bad: [String(max + 1), '-1', '1.5', '1e3', '0x10', 'many', '12 34', '99999999999999999999', 'NaN']
      .concat(min > 0 ? [String(min - 1)] : [])
      .filter((text) => text !== String(min)),
  };
}

const dayMs = 86_400_000;

const cases: readonly VariableCase[] = [
  {
    name: 'ENVIRONMENT',
    key: 'environment',
    standard: 'development',
    good: [
      ['staging', 'staging'],
      ['STAGING', 'staging'],
      ['development', 'development'],
    ],
    bad: ['prod', 'test', '1'],
  },
  {
    name: 'HOST',
    key: 'host',
    standard: '0.0.0.0',
    good: [
      ['127.0.0.1', '127.0.0.1'],
      ['::', '::'],
    ],
    bad: [],
  },
  integer('GRPC_PORT', 'grpcPort', 8030, 0, 65_535),
  integer('HEALTH_PORT', 'healthPort', 8031, 0, 65_535),
  integer('PLATFORM_GRPC_PORT', 'platformGrpcPort', undefined, 0, 65_535),
  {
    name: 'REUSE_PORT',
    key: 'reusePort',
    standard: false,
    good: [
      ['true', true],
      ['False', false],
    ],
    bad: ['yes', '1', 'on'],
  },
  {
    name: 'LOG_LEVEL',
    key: 'logLevel',
    standard: 'info',
    good: [
      ['debug', 'debug'],
      ['WARN', 'warn'],
      ['silent', 'silent'],
    ],
    bad: ['verbose', '30'],
  },
  {
    name: 'DEFAULT_SCENARIO',
    key: 'defaultScenario',
    standard: 'APPROVE',
    good: [
      ['approve', 'APPROVE'],
      ['fail', 'FAIL'],
      ['delay', 'DELAY'],
      ['Random', 'RANDOM'],
    ],
    bad: ['decline', 'PAYMENT_SCENARIO_FAIL'],
  },
  integer('DEFAULT_DELAY_MS', 'defaultDelayMs', 2_000, 0, dayMs),
  integer('DELAY_SCENARIO_MS', 'delayScenarioMs', 10_000, 0, dayMs),
  integer('PAYMENT_EXPIRY_MS', 'expiryMs', 900_000, 0, dayMs),
  {
    name: 'RANDOM_FAILURE_RATE',
    key: 'randomFailureRate',
    standard: 0.5,
    good: [
      ['0', 0],
      ['1', 1],
      ['0.25', 0.25],
      ['.75', 0.75],
    ],
    bad: ['-0.1', '1.01', '50%', 'half', '1e-1', 'Infinity'],
  },
  integer('RANDOM_SEED', 'randomSeed', undefined, 0, 2 ** 32 - 1),
  {
    name: 'WEBHOOK_SECRET',
    key: 'webhookSecrets',
    standard: ['payment-sim-dev-secret'],
    good: [
      ['one', ['one']],
      [' new , old ', ['new', 'old']],
      ['whsec_MDEyMzQ1Njc4OWFiY2RlZg==,old', ['whsec_MDEyMzQ1Njc4OWFiY2RlZg==', 'old']],
    ],
    bad: [',', 'a,', ',a', 'a,,b', 'whsec_', 'whsec_not base64', 'whsec_MDEyMzQ1Njc4OWFiY2RlZg', 'a,whsec_='],
  },
  integer('WEBHOOK_MAX_ATTEMPTS', 'webhookMaxAttempts', 8, 1, 100),
  integer('WEBHOOK_TIMEOUT_MS', 'webhookTimeoutMs', 30_000, 1, 600_000),
  integer('WEBHOOK_MAX_CONNECTIONS', 'webhookMaxConnections', 1_000, 1, 100_000),
  integer('WEBHOOK_MAX_CONNECTIONS_PER_ORIGIN', 'webhookMaxConnectionsPerOrigin', 100, 1, 100_000),
  integer('WEBHOOK_MAX_BACKLOG', 'webhookMaxBacklog', 200_000, 1, 10_000_000),
  integer('WEBHOOK_MAX_BACKLOG_PER_ORIGIN', 'webhookMaxBacklogPerOrigin', 50_000, 1, 10_000_000),
  {
    name: 'WEBHOOK_BLOCKED_CIDRS',
    key: 'webhookBlockedCidrs',
    standard: [],
    good: [
      ['10.0.0.0/8', ['10.0.0.0/8']],
      [' 10.0.0.0/8 , fd00::/8,8.8.8.8,::1', ['10.0.0.0/8', 'fd00::/8', '8.8.8.8', '::1']],
    ],
    bad: ['10.0.0.0/33', '10/8', 'example.com', '10.0.0.0/8,', '0x0a.0.0.1', '10.0.0.0-10.0.0.9'],
  },
  {
    name: 'WEBHOOK_ALLOWED_HOSTS',
    key: 'webhookAllowedHosts',
    standard: [],
    good: [
      ['hooks.example.com', ['hooks.example.com']],
      [
        'Hooks.Example.com,*.svc.cluster.local, 10.0.0.7,fd12::1',
        ['hooks.example.com', '*.svc.cluster.local', '10.0.0.7', 'fd12::1'],
      ],
    ],
    bad: [
      'http://example.com',
      'example.com:8080',
      'a,,b',
      '*',
      '*.',
      'a.*.com',
      'user@example.com',
      '0x7f.1',
      '[::1]',
      'a b',
      'example.com/',
      'example.com.',
    ],
  },
  integer('SHUTDOWN_GRACE_MS', 'shutdownGraceMs', 25_000, 0, 3_600_000),
  integer('PAYMENT_TTL_MS', 'paymentTtlMs', dayMs, 1, 2 ** 31 - 1),
  integer('MAX_PAYMENTS', 'maxPayments', 1_000_000, 1, 10_000_000),
  integer('MAX_PAYMENTS_BYTES', 'maxPaymentsBytes', undefined, 1_000_000, 2 ** 40),
  integer('READ_MAX_BYTES', 'readMaxBytes', 65_536, 1_024, 4_194_304),
  {
    name: 'REFLECTION',
    key: 'reflection',
    standard: true,
    good: [
      ['on', true],
      ['OFF', false],
    ],
    bad: ['true', '1'],
  },
  {
    name: 'SIMULATOR_API',
    key: 'simulatorApi',
    standard: true,
    good: [
      ['on', true],
      ['OFF', false],
    ],
    bad: ['true', '1'],
  },
  {
    name: 'MAGIC_USERS',
    key: 'magicUsers',
    standard: true,
    good: [
      ['on', true],
      ['OFF', false],
    ],
    bad: ['true', '1'],
  },
  {
    name: 'CONSOLE',
    key: 'console',
    standard: true,
    good: [
      ['on', true],
      ['OFF', false],
    ],
    bad: ['true', '1'],
  },
  {
    name: 'RULES_FILE',
    key: 'rulesFile',
    standard: undefined,
    good: [[' rules.yaml ', 'rules.yaml']],
    bad: [],
  },
  integer('MAX_SESSIONS', 'maxSessions', 1_000, 1, 100_000),
  integer('SESSION_IDLE_MS', 'sessionIdleMs', 1_800_000, 1_000, dayMs),
  {
    name: 'CORS_ORIGINS',
    key: 'corsOrigins',
    standard: ['*'],
    good: [
      ['*', ['*']],
      ['none', []],
      [' https://shop.example , http://localhost:3000 ', ['https://shop.example', 'http://localhost:3000']],
    ],
    // Browsers send neither a path nor capitals nor a default port, so these would never match.
    bad: [
      'shop.example',
      'https://shop.example/',
      'https://Shop.example',
      'https://shop.example:443',
      'null',
      'none,https://shop.example',
      'https://shop.example,',
    ],
  },
];

describe.each(cases)('$name', ({ name, key, standard, good, bad }) => {
  test('has its default when unset, empty or blank', () => {
    for (const env of [{}, { [name]: '' }, { [name]: '  ' }]) {
      expect(loadConfig(env)[key]).toEqual(standard);
    }
  });

  test('takes good values', () => {
    for (const [text, value] of good) {
      expect(loadConfig({ [name]: text })[key], text).toEqual(value);
    }
  });

  test('refuses bad ones by its name', () => {
    for (const text of bad) {
      const mistakes = mistakesOf({ [name]: text });
      expect(mistakes, text).toHaveLength(1);
      expect(mistakes[0]).toMatch(new RegExp(`^${name} must `));
    }
  });
});

test('the retry waits are bounded, and the longest is not below the first', () => {
  const config = loadConfig({ WEBHOOK_RETRY_BASE_MS: '5', WEBHOOK_RETRY_MAX_MS: '5' });
  expect([config.webhookRetryBaseMs, config.webhookRetryMaxMs]).toEqual([5, 5]);
  const standard = loadConfig({});
  expect([standard.webhookRetryBaseMs, standard.webhookRetryMaxMs]).toEqual([1_000, 300_000]);
  expect(mistakesOf({ WEBHOOK_RETRY_BASE_MS: '6', WEBHOOK_RETRY_MAX_MS: '5' })).toEqual([
    'WEBHOOK_RETRY_MAX_MS must not be below WEBHOOK_RETRY_BASE_MS',
  ]);
  expect(mistakesOf({ WEBHOOK_RETRY_BASE_MS: '0' })).toHaveLength(1);
  expect(mistakesOf({ WEBHOOK_RETRY_MAX_MS: String(dayMs + 1) })).toHaveLength(1);
});

test('the two ports differ, unless the system chooses both', () => {
  expect(mistakesOf({ GRPC_PORT: '9000', HEALTH_PORT: '9000' })).toEqual([
    'HEALTH_PORT must differ from GRPC_PORT',
  ]);
  expect(mistakesOf({ GRPC_PORT: '0', HEALTH_PORT: '0' })).toEqual([]);
  expect(mistakesOf({ GRPC_PORT: '8031' })).toHaveLength(1);
});

test('a port is shared on Linux only', () => {
  const { platform } = process;
  onTestFinished(() => void Object.defineProperty(process, 'platform', { value: platform }));
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  expect(mistakesOf({ REUSE_PORT: 'true' })).toEqual([
    'REUSE_PORT must be false on darwin: only Linux shares a port out',
  ]);
  expect(mistakesOf({ REUSE_PORT: 'false' })).toEqual([]);
});

test('one message lists every mistake, one a line', () => {
  const env = {
    ENVIRONMENT: 'prod',
    GRPC_PORT: 'http',
    LOG_LEVEL: 'loud',
    RANDOM_FAILURE_RATE: '2',
    DEFAULT_DELAY_MS: '-1',
    MAX_PAYMENTS: '0',
  };
  const names = Object.keys(env);
  expect(new Set(mistakesOf(env).map((mistake) => mistake.split(' ', 1)[0]))).toEqual(new Set(names));
  const lines = new ConfigError(mistakesOf(env)).message.split('\n');
  expect(lines[0]).toContain('6 mistake');
  expect(lines).toHaveLength(7);
});

describe('in production', () => {
  const production = { ENVIRONMENT: 'production' };

  test('the default secret is refused, set or not, alone or beside others', () => {
    for (const secret of [undefined, 'payment-sim-dev-secret', 'mine,payment-sim-dev-secret']) {
      const env = secret === undefined ? production : { ...production, WEBHOOK_SECRET: secret };
      expect(mistakesOf(env)).toEqual(['WEBHOOK_SECRET must be set to a secret of your own in production']);
    }
  });

  test('a secret of one’s own is fine', () => {
    expect(mistakesOf({ ...production, WEBHOOK_SECRET: 'mine' })).toEqual([]);
  });

  test('neither reflection nor browsers, unless they are asked for', () => {
    const standard = loadConfig({ ...production, WEBHOOK_SECRET: 'mine' });
    expect([standard.reflection, standard.corsOrigins]).toEqual([false, []]);
    const asked = { REFLECTION: 'on', CORS_ORIGINS: 'https://shop.example' };
    const config = loadConfig({ ...production, WEBHOOK_SECRET: 'mine', ...asked });
    expect([config.reflection, config.corsOrigins]).toEqual([true, ['https://shop.example']]);
    expect(loadConfig({ ENVIRONMENT: 'staging' }).corsOrigins).toEqual([]);
  });
});

describe('who steers', () => {
  test('is everybody outside of production, and nobody in it unless that is asked for', () => {
    const production = { ENVIRONMENT: 'production', WEBHOOK_SECRET: 'mine' };
    for (const [env, expected] of [
      [{}, [true, true]],
      [{ ENVIRONMENT: 'staging' }, [true, true]],
      [{ SIMULATOR_API: 'off' }, [false, false]],
      [{ MAGIC_USERS: 'off' }, [true, false]],
      [production, [false, false]],
      [{ ...production, SIMULATOR_API: 'on' }, [true, true]],
      [{ ...production, SIMULATOR_API: 'on', MAGIC_USERS: 'off' }, [true, false]],
    ] as const) {
      const { simulatorApi, magicUsers } = loadConfig(env);
      expect([simulatorApi, magicUsers], JSON.stringify(env)).toEqual(expected);
    }
  });

  test('what would be ignored is a mistake', () => {
    expect(mistakesOf({ SIMULATOR_API: 'off', MAGIC_USERS: 'on', RULES_FILE: 'rules.yaml' })).toEqual([
      'RULES_FILE needs SIMULATOR_API=on',
      'MAGIC_USERS needs SIMULATOR_API=on',
    ]);
    expect(mistakesOf({ SIMULATOR_API: 'off', MAGIC_USERS: 'off' })).toEqual([]);
  });
});

test('no message repeats a secret', () => {
  for (const secret of ['hunter2-hunter2,', 'whsec_hunter2-hunter2', ',,hunter2-hunter2']) {
    expect(mistakesOf({ WEBHOOK_SECRET: secret })).not.toEqual([]);
    expect(mistakesOf({ WEBHOOK_SECRET: secret, GRPC_PORT: 'x' }).join()).not.toContain('hunter2');
  }
});

test('the configuration cannot be changed', () => {
  expect(Object.isFrozen(loadConfig({}))).toBe(true);
});

describe('EnvironmentReader', () => {
  test('reads back every whole number within its bounds and no other', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat(), (value, one, other) => {
        const [min, max] = [Math.min(one, other), Math.max(one, other)];
        const read = new EnvironmentReader({ N: String(value) });
        const inside = value >= min && value <= max;
        expect(read.optionalInteger('N', min, max)).toBe(inside ? value : undefined);
        expect(read.mistakes).toHaveLength(inside ? 0 : 1);
      }),
    );
  });

  test('no text makes it throw, and what it refuses gets the fallback and one mistake', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const read = new EnvironmentReader({ A: text });
        const number = read.integer('A', 7, 0, 100);
        expect(Number.isInteger(number)).toBe(true);
        const fraction = read.fraction('A', 0.5);
        expect(fraction >= 0 && fraction <= 1).toBe(true);
        expect(['x', 'y']).toContain(read.oneOf('A', ['x', 'y'], 'x'));
        expect(read.list('A', 'z').length).toBeGreaterThan(0);
        expect(read.mistakes.length).toBeLessThanOrEqual(4);
      }),
    );
  });
});

test('DEFAULT_SCENARIO takes every scenario of the contract', () => {
  const names = Object.values(PaymentScenario).filter((name) => typeof name === 'string');
  for (const name of names.filter((candidate) => candidate !== 'UNSPECIFIED')) {
    expect(loadConfig({ DEFAULT_SCENARIO: name.toLowerCase() }).defaultScenario).toBe(name);
  }
});

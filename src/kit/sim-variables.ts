import { type Config, loadConfig } from '../app/config.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { tryLoad } from '../base/env/try-load.ts';
import type { Scenario } from '../payment/payment.ts';

type Value = string | number | undefined;

/**
 * Configuration under the names and with the values of docs/reference/configuration.md. The most used
 * ones are named here; all others are taken as well.
 */
export interface SimVariables {
  readonly DEFAULT_SCENARIO?: Lowercase<Scenario>;
  readonly DEFAULT_DELAY_MS?: number | string;
  readonly DELAY_SCENARIO_MS?: number | string;
  readonly RANDOM_FAILURE_RATE?: number | string;
  readonly RANDOM_SEED?: number | string;
  readonly WEBHOOK_SECRET?: string;
  readonly WEBHOOK_MAX_ATTEMPTS?: number | string;
  readonly WEBHOOK_RETRY_BASE_MS?: number | string;
  readonly WEBHOOK_TIMEOUT_MS?: number | string;
  readonly GRPC_PORT?: number | string;
  readonly HEALTH_PORT?: number | string;
  readonly LOG_LEVEL?: string;
  readonly [name: Uppercase<string>]: Value;
}

/** What suits a test suite better than the defaults of a service. */
const suiteDefaults = {
  HOST: '127.0.0.1',
  GRPC_PORT: '0',
  HEALTH_PORT: '0',
  LOG_LEVEL: 'silent',
  EVENTBRIDGE: 'off',
  SHUTDOWN_GRACE_MS: '0',
};

/**
 * The configuration of a simulator in a test suite. The process's own environment has no part in it.
 *
 * @throws ConfigError that lists every mistake, names that do not exist included.
 */
export function loadSimConfig(variables: SimVariables): Config {
  const given = Object.entries(variables).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const env = Object.fromEntries([...Object.entries(suiteDefaults), ...given]);
  const read = new EnvironmentReader(env);
  const { config, mistakes } = tryLoad(() => loadConfig(env, read));
  const unknown = given.flatMap(([name]) =>
    read.values.has(name) ? [] : [`${name} is not a variable of Payment Sim`],
  );
  if (config === undefined || unknown.length > 0) {
    throw new ConfigError([...mistakes, ...unknown]);
  }
  return config;
}

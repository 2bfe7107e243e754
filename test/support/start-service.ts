import { onTestFinished } from 'vitest';
import { type App, buildApp } from '../../src/app/app.ts';
import type { AppOverrides } from '../../src/app/basics.ts';
import { loadConfig } from '../../src/app/config.ts';

/** The real service on free ports, with its log lines kept. */
export interface RunningService {
  readonly app: App;
  readonly apiPort: number;
  readonly opsPort: number;
  /** `http://127.0.0.1:<port>` of the API. */
  readonly apiUrl: string;
  readonly opsUrl: string;
  /** `http://127.0.0.1:<port>` of the platform's contract; of nothing where that is off. */
  readonly platformUrl: string;
  /** Log lines so far, parsed. */
  logs(message?: string): Record<string, unknown>[];
  /** The value of a metric; label values in the order Prometheus prints them, `name{a="b"}`. */
  metric(nameWithLabels: string): Promise<number | undefined>;
}

/** Starts the service with these environment variables; it stops when the test is finished. */
export async function startService(
  env: Readonly<Record<string, string>> = {},
  overrides: AppOverrides = {},
): Promise<RunningService> {
  const service = await launchService(env, overrides);
  onTestFinished(() => service.app.stop());
  return service;
}

/** As `startService`, but stopping it is left to the caller (for `beforeAll`). */
export async function launchService(
  env: Readonly<Record<string, string>> = {},
  overrides: AppOverrides = {},
): Promise<RunningService> {
  const lines: string[] = [];
  const config = loadConfig({
    HOST: '127.0.0.1',
    GRPC_PORT: '0',
    HEALTH_PORT: '0',
    LOG_LEVEL: 'debug',
    ...env,
  });
  const app = await buildApp(config, {
    logDestination: { write: (line: string) => void lines.push(line) },
    ...overrides,
  });
  const { apiPort, opsPort, platformPort } = await app.start();
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  return {
    app,
    apiPort,
    opsPort,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    opsUrl,
    platformUrl: `http://127.0.0.1:${platformPort}`,
    logs: (message) =>
      lines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => message === undefined || line['msg'] === message),
    async metric(nameWithLabels) {
      const text = await (await fetch(`${opsUrl}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${nameWithLabels} `));
      return line === undefined ? undefined : Number(line.slice(nameWithLabels.length + 1));
    },
  };
}

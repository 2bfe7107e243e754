import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';
import { freePort } from '../support/free-port.ts';
import { startService } from '../support/start-service.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
async function run(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  output: 'pipe' | number = 'pipe',
) {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...compileCache, ...env },
    stdio: ['ignore', output, 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('perf-test answers --help, and ends with 2 for what it does not understand', async () => {
  const [help, mistyped, far] = await Promise.all([
    run('bench/perf-test.ts', ['--help']),
    run('bench/perf-test.ts', ['--conections', '3']),
    run('bench/perf-test.ts', ['example.com:8030']),
  ]);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('--connections <number>');
  expect([mistyped.code, far.code]).toEqual([2, 2]);
  expect(mistyped.stderr).toContain('Did you mean --connections?');
  expect(far.stderr).toContain('say --remote if you may put load on it');
});

test('perf-test with nothing running says so instead of counting refused connections', async () => {
  const port = await freePort();
  const { code, stdout, stderr } = await run('bench/perf-test.ts', [`127.0.0.1:${port}`]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(`nothing answers at 127.0.0.1:${port} (ECONNREFUSED`);
});

describe('status asks where HOST says', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.2'],
    ['0.0.0.0', '127.0.0.1'],
    ['::1', '[::1]'],
    ['::', '[::1]'],
  ])('%s', async (host, asked) => {
    const { opsPort } = await startService({ HOST: host, EVENTBRIDGE: 'off' });
    const env = { HOST: host, HEALTH_PORT: String(opsPort) };
    expect(await run('src/main.ts', ['status'], env)).toEqual({
      code: 0,
      stdout: '200 {"status":"healthy","service":"payment-sim-api"}\n',
      stderr: '',
    });
    const other = String(await freePort());
    expect(await run('src/main.ts', ['status'], { ...env, HEALTH_PORT: other })).toEqual({
      code: 3,
      stdout: '',
      stderr: `payment-sim status: no answer from http://${asked}:${other}/health\n`,
    });
  });
});

test('a command whose output cannot be written ends with 1 and says why', async () => {
  const full = openSync('/dev/full', 'w');
  const { code, stderr } = await run('src/main.ts', ['check-env'], {}, full);
  closeSync(full);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^standard output cannot be written: ENOSPC.*\n$/);
});

describe('names that are slips of variables', () => {
  const env = { DEFAULT_DELY_MS: '3', HOSTNAME: 'pod-1', DEFUALT_SCENARIO: '' };

  test('are mistakes to check-env, for the environment too', async () => {
    const { code, stderr } = await run('src/main.ts', ['check-env'], env);
    expect(code).toBe(1);
    expect(stderr).toContain(
      '1 mistake(s):\n  DEFAULT_DELY_MS is not the name of a variable; did you mean DEFAULT_DELAY_MS?\n',
    );
  });

  test('are one warning at the start', async () => {
    const service = await startService({ ...env, EVENTBRIDGE: 'off' });
    expect(service.logs().filter(({ level }) => level === 'warn')).toMatchObject([
      { variables: [{ name: 'DEFAULT_DELY_MS', near: 'DEFAULT_DELAY_MS' }] },
    ]);
  });
});

describe('mistakes in RULES_FILE', () => {
  const rules = fileURLToPath(new URL('../simulator/wrong-rules.yaml', import.meta.url));
  const mistakes = [
    `RULES_FILE ${rules}:4:14 match.usr_id is no field of Match; did you mean user_id?`,
    `RULES_FILE ${rules}:6:5 times must not be below 0`,
  ];

  test('are told by check-env, beside those of variables', async () => {
    const env = { RULES_FILE: rules, GRPC_PORT: 'x', SIMULATOR_API: 'off' };
    const { code, stderr } = await run('src/main.ts', ['check-env'], env);
    expect(code).toBe(1);
    expect(stderr).toContain('4 mistake(s):\n  GRPC_PORT must be');
    expect(stderr).toContain('  RULES_FILE needs SIMULATOR_API=on\n');
    for (const mistake of mistakes) {
      expect(stderr).toContain(`  ${mistake}\n`);
    }
  });

  test('are nothing to the worker', async () => {
    const queue = { PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:1/000000000000/queue' };
    const { code, stderr } = await run('src/main.ts', ['check-env', 'worker'], {
      ...queue,
      RULES_FILE: rules,
    });
    expect([code, stderr]).toEqual([0, '']);
  });

  test('end the start', async () => {
    const { code, stdout, stderr } = await run('src/main.ts', [], { RULES_FILE: rules });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `payment-sim cannot run: The configuration has 2 mistake(s):\n  ${mistakes.join('\n  ')}\n`,
    );
  });
});

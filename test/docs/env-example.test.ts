import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv, promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';
import { compileCache } from '../support/compile-cache.ts';
import { codes, section, tableRows } from './readme.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const head = `# Every variable with its default. Copy this file to .env, take the # away from what you change, and:
#   npm start -- --env-file .env
#   npm run check-env -- --env-file .env
# Variables that are set already go before those of the file. Never commit secrets.
`;

/** Made from the tables of docs/reference/configuration.md, which other tests hold against the code. */
function makeExample(): string {
  const parts = ['## Service', '## EventBridge', '## Traces', '## Reservation worker'].map((heading) => {
    const entries = tableRows(section(heading)).map((row) => {
      const about = [row['Meaning'], row['Values']].filter((text) => text !== undefined && text !== '');
      const comment = about
        .join('; ')
        .replaceAll('`', '')
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
      const [name = ''] = codes(row['Variable'] ?? '');
      return `${comment === '' ? '' : `# ${comment}\n`}#${name}=${codes(row['Default'] ?? '')[0] ?? ''}\n`;
    });
    return `# ${heading.replace('## ', '== ')}\n\n${entries.join('\n')}`;
  });
  return `${head}\n${parts.join('\n')}`;
}

test('.env.example has every variable of docs/reference/configuration.md: else `npx vitest run test/docs/env-example.test.ts -u`', async () => {
  await expect(makeExample()).toMatchFileSnapshot(`${root}.env.example`);
});

test('all of its values together are the defaults', () => {
  const text = readFileSync(`${root}.env.example`, 'utf8').replaceAll(/^#(?=[A-Z])/gm, '');
  const variables = parseEnv(text);
  expect(Object.keys(variables).length).toBeGreaterThan(50);
  expect(loadConfig(variables)).toEqual(loadConfig({}));
  const queue = { PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:1/000000000000/queue' };
  expect(loadWorkerConfig({ ...variables, ...queue })).toEqual(loadWorkerConfig(queue));
});

function writeEnvFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-env-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'x.env'), text);
  return join(folder, 'x.env');
}

async function run(script: string, args: readonly string[], env: Record<string, string> = {}) {
  return await promisify(execFile)(process.execPath, [script, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...compileCache, ...env },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

describe('--env-file', () => {
  test('is what check-env shows; what is set already goes before it', async () => {
    const file = writeEnvFile('GRPC_PORT=18030\nHEALTH_PORT=18031\nWEBHOOK_SECRET=hush-hush\n');
    const checked = await run('src/main.ts', ['check-env', '--env-file', file], { HEALTH_PORT: '28031' });
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(/^GRPC_PORT +set +18030$/m);
    expect(checked.stdout).toMatch(/^HEALTH_PORT +set +28031$/m);
    expect(checked.stdout).not.toContain('hush-hush');
  });

  test('with names that nothing reads is a mistake to check-env', async () => {
    const file = writeEnvFile('GRPC_PROT=18030\nNODE_OPTIONS=\nWORKER_POLLERS=2\n');
    const checked = await run('src/main.ts', ['check-env', '--env-file', file]);
    expect(checked.code).toBe(1);
    expect(checked.stderr).toContain(
      `1 mistake(s):\n  GRPC_PROT in ${file} is not the name of a variable; did you mean GRPC_PORT?\n`,
    );
  });

  test('check-env shows the worker too', async () => {
    const file = writeEnvFile('WORKER_POLLERS=2\nWORKER_RETRY_MAX_MS=1\n');
    const checked = await run('src/main.ts', ['check-env', 'worker', '--env-file', file]);
    expect(checked.stdout).toMatch(/^WORKER_POLLERS +set +2$/m);
    expect(checked.stdout).not.toMatch(/^GRPC_PORT/m);
    expect(checked.stderr).toContain('PAYMENT_WEBHOOK_QUEUE_URL must be set');
    expect(checked.stderr).toContain('WORKER_RETRY_MAX_MS must not be below');
  });

  test.each(['start', 'worker'])('is what payment-sim %s starts with', async (command) => {
    const file = writeEnvFile('LOG_LEVEL=loud\n');
    const started = await run('src/main.ts', [command, '--env-file', file]);
    expect(started.code).toBe(1);
    expect(started.stderr).toContain('LOG_LEVEL must be one of');
  });

  test('forgotten before the file does not start', async () => {
    const started = await run('src/main.ts', ['x.env']);
    expect(started.code).toBe(2);
    expect(started.stderr).toContain("unknown command 'x.env'");
  });
});

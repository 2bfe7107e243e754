import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../../support/free-port.ts';

/** An nginx of the test's own. */
export interface Nginx {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** As `nginx -s reload`; resolves when the worker of before has answered its calls and ended. */
  reload(): Promise<void>;
}

// Debian has it where the PATH of other users than root does not look.
const env = { ...process.env, PATH: [process.env['PATH'], '/usr/sbin'].join(delimiter) };
const template = readFileSync(new URL('nginx.conf', import.meta.url), 'utf8');

/** Why there is no nginx to test with, or undefined. */
export const missingNginx =
  spawnSync('nginx', ['-v'], { env }).error === undefined
    ? undefined
    : `no nginx on the PATH: install Debian's nginx-light`;

/** Starts nginx in front of the service at this port; it stops when the test is finished. */
export async function startNginx(servicePort: number): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-nginx-'));
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  const values = { FOLDER: folder, PORT: port, SERVICE_PORT: servicePort };
  writeFileSync(config, fillIn(template, values));
  // With -e, or it would open its built-in log before it has read the configuration.
  const child = spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', config], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(async () => {
    await stop(child);
    rmSync(folder, { recursive: true, force: true });
  });
  const log = readLog(child);
  await log.count('start worker process ', 1);
  let reloads = 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async reload() {
      reloads += 1;
      child.kill('SIGHUP');
      await log.count('exited with code 0', reloads);
    },
  };
}

function fillIn(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\$\{([A-Z_]+)\}/g, (_match, name: string) => String(values[name]));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    // Fast, as `nginx -s stop`: the master ends its workers.
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

/** Keeps what nginx says. */
function readLog(child: ChildProcess) {
  let text = '';
  const waiters = new Set<() => void>();
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    waiters.forEach((waiter) => waiter());
  });
  return {
    /** Resolves when this has been said so often. @throws Error when nginx ends before. */
    count: (said: string, times: number) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (text.split(said).length > times) {
            waiters.delete(look);
            resolve();
          }
        };
        waiters.add(look);
        look();
        child.once('error', reject);
        child.once('close', () => reject(new Error(`nginx ended: ${text}`)));
      }),
  };
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileCache } from './compile-cache.ts';

/**
 * Which packages the service loads until it has settled a payment and stopped, and the worker until it is made.
 *
 * @param env all of its environment but for where it listens; the worker is made where it has a queue.
 */
export async function loadedPackages(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const script = join(import.meta.dirname, 'package-loads.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    env: { ...compileCache, HOST: '127.0.0.1', GRPC_PORT: '0', HEALTH_PORT: '0', ...env },
  });
  return JSON.parse(stdout) as string[];
}

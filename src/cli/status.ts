import { EnvironmentReader } from '../base/env/config-reader.ts';
import { loadEnvFiles } from '../base/env/env-file.ts';

/**
 * Asks the service on this machine how it is; ends with 1 when it does not answer or is not healthy.
 * Reads one variable only: the image's HEALTHCHECK runs this beside the worker too, which has
 * a configuration of its own.
 */
loadEnvFiles(process.argv.slice(2));
const healthPort = new EnvironmentReader(process.env).integer('HEALTH_PORT', 8031, 0, 65_535);
const url = `http://localhost:${healthPort}/health`;
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  process.stdout.write(`${response.status} ${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch {
  process.stderr.write(`no answer from ${url}\n`);
  process.exitCode = 1;
}

import '../base/end-on-old-node.ts';
import { callableHost } from '../base/callable-host.ts';
import { envFileOption } from '../base/command-line.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { printLines, runCommand } from './run-command.ts';

/*
 * Asks the service on this machine how it is; ends with 1 when it does not answer or is not healthy.
 * Reads two variables only: the image's HEALTHCHECK runs this beside the worker too, which has
 * a configuration of its own.
 */

/** For the answer, in milliseconds. */
const timeoutMs = 4_000;

async function main(): Promise<boolean> {
  const read = new EnvironmentReader(process.env);
  const port = read.integer('HEALTH_PORT', 8031, 0, 65_535);
  const url = `http://${callableHost(read.text('HOST', '0.0.0.0'))}:${port}/health`;
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch(() => undefined);
  if (response === undefined) {
    process.stderr.write(`no answer from ${url}\n`);
    return false;
  }
  printLines(`${response.status} ${await response.text()}`);
  return response.ok;
}

await runCommand(
  {
    name: 'npm run status',
    summary: 'Asks /health of the service on this machine, where HOST and HEALTH_PORT say.',
    options: envFileOption,
  },
  main,
);

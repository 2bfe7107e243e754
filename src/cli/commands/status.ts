import type { Command } from 'commander';
import { callableHost } from '../../base/callable-host.ts';
import { EnvironmentReader } from '../../base/env/config-reader.ts';
import { NoAnswerError } from '../common/cli-error.ts';
import { printLine } from '../common/output.ts';
import { action, envFileOption } from '../common/run-program.ts';

/** For the answer, in milliseconds. */
const timeoutMs = 4_000;

/** Adds `status`: whether the service is healthy. */
export function addStatus(program: Command): void {
  program
    .command('status')
    .helpGroup('Look after it:')
    .summary('asks /health')
    .description(
      'Asks /health of the service on this machine, where HOST and HEALTH_PORT say. Ends with 1 when it is not healthy, with 3 when it does not answer.',
    )
    .option('--url <url>', 'another address of health, such as http://localhost:8031')
    .option('--json', 'prints the answer alone')
    .addOption(envFileOption())
    .addHelpText('after', '\nExample:\n  payment-sim status --url http://localhost:8041')
    .action(action(askHealth));
}

/** Reads two variables only: the image's HEALTHCHECK runs this beside the worker too, which has others. */
async function askHealth({ url, json }: { readonly url?: string; readonly json?: true }): Promise<boolean> {
  const read = new EnvironmentReader(process.env);
  const port = read.integer('HEALTH_PORT', 8031, 0, 65_535);
  const base = url ?? `http://${callableHost(read.text('HOST', '0.0.0.0'))}:${port}`;
  const address = `${base.replace(/\/$/, '')}/health`;
  const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) }).catch(() => undefined);
  if (response === undefined) {
    throw new NoAnswerError(`no answer from ${address}`);
  }
  printLine(`${json === true ? '' : `${response.status} `}${await response.text()}`);
  return response.ok;
}

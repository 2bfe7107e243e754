import type { Command } from 'commander';
import { describeVariables } from '../common/known-variables.ts';
import { envFileOption } from '../common/run-program.ts';

/** Adds `worker`: the reservation worker. */
export function addWorker(program: Command): void {
  program
    .command('worker')
    .helpGroup('Serve:')
    .summary('the reservation worker: events from SQS to the reservation API')
    .description(
      'Runs the reservation worker: takes payment events from an SQS queue to the reservation API.',
    )
    .addOption(envFileOption())
    .addHelpText('after', () => `\n${describeVariables('worker')}`)
    .addHelpText('after', '\nExample:\n  payment-sim worker --env-file worker.env')
    .action(async () => {
      const { runWorker } = await import('./run-worker.ts');
      await runWorker();
    });
}

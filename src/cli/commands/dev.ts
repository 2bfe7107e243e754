import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wholeNumber } from '../common/run-program.ts';

/** By default their health ports are 8031 to 8039; 8041 is the worker's. */
const maxReplicas = 9;
/** Beside `src` and `dist`; the package has none of it. */
const entry = new URL('../../../dev/dev.ts', import.meta.url);

/** Adds `dev`: the service with everything around it. */
export function addDev(program: Command): void {
  program
    .command('dev')
    .helpGroup('Serve:')
    .summary('service, EventBridge, SQS, worker, reservation API and a receiver, all here')
    .description(
      'Runs the service with everything around it: stand-ins for EventBridge and SQS, the worker, a reservation API and a webhook receiver. In a checkout alone.',
    )
    .option(
      '--replicas <number>',
      `that many services behind one port, with a Redis; 1 to ${maxReplicas}`,
      wholeNumber(1, maxReplicas),
      1,
    )
    .addHelpText('after', '\nExamples:\n  payment-sim dev\n  payment-sim dev --replicas 3')
    .action(async ({ replicas }: { readonly replicas: number }) => {
      if (!existsSync(fileURLToPath(entry))) {
        throw new Error(
          'it needs a checkout: the stand-ins for AWS are not in the package; payment-sim start runs the service alone',
        );
      }
      const dev: { runDev(options: { replicas: number }): Promise<void> } = await import(entry.href);
      await dev.runDev({ replicas });
    });
}

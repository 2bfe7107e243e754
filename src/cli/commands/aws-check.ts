import type { Command } from 'commander';
import { action, envFileOption } from '../common/run-program.ts';

/** Adds `aws-check`: what AWS resources are missing. */
export function addAwsCheck(program: Command): void {
  program
    .command('aws-check')
    .helpGroup('Look after it:')
    .summary('says what AWS resources are missing; creates nothing')
    .description(
      'Reads the event bus, its rule and the queues, and says what is missing or does not fit. Creates nothing. Ends with 1 when something is missing.',
    )
    .option('--json', 'prints one object')
    .addOption(envFileOption())
    .addHelpText('after', '\nExample:\n  payment-sim aws-check --env-file .env')
    .action(
      action(async (options: { readonly json?: true }) => {
        // The SDK is loaded only here.
        const { checkAwsHere } = await import('./run-aws-check.ts');
        return await checkAwsHere(options);
      }),
    );
}

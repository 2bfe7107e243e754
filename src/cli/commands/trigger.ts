import { type Command, Option } from 'commander';
import { randomUUID } from 'node:crypto';
import { action, wholeNumber } from '../common/run-program.ts';
import { withServiceOptions } from '../common/service.ts';
import type { TriggerOptions } from './trigger-payment.ts';

/** Adds `trigger`: one payment, and what becomes of it. */
export function addTrigger(program: Command): void {
  withServiceOptions(
    program
      .command('trigger')
      .helpGroup('Look and steer:')
      .summary('makes a payment and shows what happens until its webhook arrived')
      .description(
        'Makes a payment and shows what happens to it until its webhook arrived: at your receiver with --webhook-url, else at the one that is built into the service. Ends with 1 when it does not arrive.',
      )
      .addOption(
        new Option('--scenario <name>', 'approve, fail, delay or random')
          .choices(['approve', 'fail', 'delay', 'random'])
          .default('approve'),
      )
      .option(
        '--behavior <text>',
        'what shall happen instead: a failure code such as insufficient_funds, APPROVE, DECLINE, HOLD, EXPIRE, a code of gRPC, or the JSON of SimulationOptions',
      )
      .option('--amount <number>', 'in minor units', wholeNumber(1, Number.MAX_SAFE_INTEGER), 120_000)
      .option('--currency <code>', 'ISO 4217', 'KRW')
      .option('--user <id>', 'who pays', 'user-1')
      .addOption(
        new Option('--reservation <id>', 'what is paid for').default(
          `reservation-${randomUUID().slice(0, 8)}`,
          'a new one',
        ),
      )
      .option('--webhook-url <url>', 'where the outcome is posted to')
      .option('--timeout <seconds>', 'how long to wait for it', wholeNumber(1, 86_400), 60),
  )
    .addHelpText(
      'after',
      `
Examples:
  payment-sim trigger --scenario fail
  payment-sim trigger --behavior insufficient_funds --webhook-url http://localhost:3000/webhooks
  payment-sim trigger --behavior '{"delivery": {"copies": 2}}'`,
    )
    .action(
      action(async (options: TriggerOptions) => {
        const { triggerPayment } = await import('./trigger-payment.ts');
        return await triggerPayment(options);
      }),
    );
}

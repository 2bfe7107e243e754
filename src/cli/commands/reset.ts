import type { Command } from 'commander';
import { ResetSessionResponseSchema } from '../../../gen/simulator/v1/simulator_pb.js';
import { printJson, printLine } from '../common/output.ts';
import { action } from '../common/run-program.ts';
import { connectService, type ServiceOptions, withServiceOptions } from '../common/service.ts';

/** Adds `reset`: an empty session. */
export function addReset(program: Command): void {
  withServiceOptions(
    program
      .command('reset')
      .helpGroup('Look and steer:')
      .summary('removes rules, settings and payments of a session')
      .description(
        'Removes the rules, settings, idempotency keys and payments of the session, which then never settle: those of the global session unless --session names another, or * for all.',
      ),
  )
    .addHelpText(
      'after',
      "\nExamples:\n  payment-sim reset --session checkout-17\n  payment-sim reset --session '*'",
    )
    .action(
      action(async (options: ServiceOptions) => {
        const answer = await connectService(options, false).simulator.resetSession({});
        if (options.json === true) {
          printJson(ResetSessionResponseSchema, answer);
        } else {
          const { rules, payments, sessions } = answer;
          printLine(`gone: payments ${payments}, rules ${rules}, sessions ${sessions}`);
        }
        return true;
      }),
    );
}

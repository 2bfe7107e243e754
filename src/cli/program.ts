import completeWith from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { addAwsCheck } from './commands/aws-check.ts';
import { addCheckEnv } from './commands/check-env.ts';
import { addDeliveries } from './commands/deliveries.ts';
import { addDev } from './commands/dev.ts';
import { addListen } from './commands/listen.ts';
import { addPayments } from './commands/payments.ts';
import { addReset } from './commands/reset.ts';
import { addRules } from './commands/rules.ts';
import { addStart } from './commands/start.ts';
import { addStatus } from './commands/status.ts';
import { addTail } from './commands/tail.ts';
import { addTrigger } from './commands/trigger.ts';
import { addWorker } from './commands/worker.ts';
import { createProgramNamed, runProgram } from './common/run-program.ts';

/** In the order of `--help`. */
const commands: readonly ((program: Command) => void)[] = [
  addStart,
  addDev,
  addWorker,
  addTrigger,
  addListen,
  addTail,
  addPayments,
  addDeliveries,
  addRules,
  addReset,
  addStatus,
  addCheckEnv,
  addAwsCheck,
];

/** `payment-sim` with all its commands. */
export function createProgram(): Command {
  const program = createProgramNamed(
    'payment-sim',
    'A payment gateway simulator: answers PENDING at once, settles seconds later, tells the outcome by webhook and event.',
  );
  commands.forEach((add) => add(program));
  program.addHelpText(
    'after',
    `
Without a command it is start: payment-sim --port 9030

Examples:
  payment-sim                           runs the service
  payment-sim trigger --scenario fail   makes a payment and shows its life
  payment-sim tail                      shows what happens

Exit codes: 0 done; 1 not done, with the reason on standard error; 2 the command line is not understood;
3 the service does not answer; 130 ended at once by a second Ctrl-C.`,
  );
  completeWith(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.helpGroup('Look after it:')
    .description('prints what a shell needs to complete: zsh, bash, fish or powershell');
  return program;
}

/** What a command line without the name of a command begins with: options of `start`. */
function isOptionOfStart(first: string | undefined): boolean {
  return first === undefined || (first.startsWith('-') && !['--help', '--version', '--'].includes(first));
}

/**
 * Runs `payment-sim`.
 *
 * @param args without Node and script.
 */
export async function runPaymentSim(args: readonly string[]): Promise<void> {
  await runProgram(createProgram(), isOptionOfStart(args[0]) ? ['start', ...args] : args);
}

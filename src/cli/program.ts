import type { Command } from 'commander';
import { createProgramNamed, runProgram } from './common/run-program.ts';

/** Puts a command into the program. */
type Add = (program: Command) => void;

/** In the order of `--help`. Each is loaded only where it is called or listed, so that none costs another anything. */
const commands: Readonly<Record<string, () => Promise<Add>>> = {
  start: async () => (await import('./commands/start.ts')).addStart,
  dev: async () => (await import('./commands/dev.ts')).addDev,
  worker: async () => (await import('./commands/worker.ts')).addWorker,
  trigger: async () => (await import('./commands/trigger.ts')).addTrigger,
  listen: async () => (await import('./commands/listen.ts')).addListen,
  tail: async () => (await import('./commands/tail.ts')).addTail,
  payments: async () => (await import('./commands/payments.ts')).addPayments,
  deliveries: async () => (await import('./commands/deliveries.ts')).addDeliveries,
  rules: async () => (await import('./commands/rules.ts')).addRules,
  reset: async () => (await import('./commands/reset.ts')).addReset,
  status: async () => (await import('./commands/status.ts')).addStatus,
  'check-env': async () => (await import('./commands/check-env.ts')).addCheckEnv,
  'aws-check': async () => (await import('./commands/aws-check.ts')).addAwsCheck,
  completion: async () => (await import('./commands/completion.ts')).addCompletion,
};

/** Needs to know all the others. */
const ofAll = 'completion';

/**
 * `payment-sim`.
 *
 * @param only the command that is called; all are there unless it is given.
 */
export async function createProgram(only?: string): Promise<Command> {
  const program = createProgramNamed(
    'payment-sim',
    'A payment gateway simulator: answers PENDING at once, settles seconds later, tells the outcome by webhook and event.',
  );
  const named = only === undefined || only === ofAll ? undefined : commands[only];
  const adds = await Promise.all(
    (named === undefined ? Object.values(commands) : [named]).map((load) => load()),
  );
  adds.forEach((add) => add(program));
  return program.addHelpText(
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
  const line = isOptionOfStart(args[0]) ? ['start', ...args] : args;
  await runProgram(await createProgram(line[0]), line);
}

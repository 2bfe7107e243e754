import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationExamples, readDurationMs } from '../../base/duration-text.ts';
import { UsageError } from '../common/cli-error.ts';
import { describeVariables, nearestVariable } from '../common/known-variables.ts';
import { collect, envFileOption } from '../common/run-program.ts';

/* `payment-sim start`: the service. Its options are other names of variables. */

interface StartFlag {
  readonly flags: string;
  readonly variable: string;
  readonly text: string;
  /** What the variable is set to. */
  readonly read?: (value: string) => string;
}

const startFlags: readonly StartFlag[] = [
  { flags: '-p, --port <port>', variable: 'GRPC_PORT', text: 'calls, console, built-in receiver; 8030' },
  { flags: '--host <address>', variable: 'HOST', text: 'where to listen; 0.0.0.0' },
  { flags: '--health-port <port>', variable: 'HEALTH_PORT', text: 'health and metrics; 8031' },
  {
    flags: '--scenario <name>',
    variable: 'DEFAULT_SCENARIO',
    text: 'approve, fail, delay or random, for payments that name none; approve',
  },
  {
    flags: '--delay <time>',
    variable: 'DEFAULT_DELAY_MS',
    text: 'from creation to settlement, such as 500ms; 2s',
    read: readDelay,
  },
  { flags: '--redis <url>', variable: 'REDIS_URL', text: 'state in Redis, shared by replicas; in memory' },
  { flags: '--rules <file>', variable: 'RULES_FILE', text: 'rules for every session, YAML or JSON' },
  {
    flags: '--webhook-url <url>',
    variable: 'WEBHOOK_URL',
    text: 'where outcomes go that name no webhook_url',
  },
  { flags: '--webhook-secret <secret>', variable: 'WEBHOOK_SECRET', text: 'signs webhooks' },
  { flags: '--log-level <level>', variable: 'LOG_LEVEL', text: 'trace to fatal, or silent; info' },
  {
    flags: '--log-format <format>',
    variable: 'LOG_FORMAT',
    text: 'pretty or json; pretty on a terminal, else json',
  },
];

/** Adds `start`, which is also what runs without the name of a command. */
export function addStart(program: Command): void {
  const command = program
    .command('start')
    .helpGroup('Serve:')
    .summary('the service; what runs when no command is named')
    .description('Runs the service: calls in every protocol, console and built-in receiver on one port.');
  for (const { flags, text, variable, read } of startFlags) {
    const option = new Option(flags, `${text} (${variable})`);
    command.addOption(read === undefined ? option : option.argParser(read));
  }
  command
    .addOption(new Option('--set <NAME=VALUE>', 'any other variable; may be repeated').argParser(collect))
    .addOption(envFileOption())
    .addHelpText('after', () => `\n${describeVariables('service')}`)
    .addHelpText(
      'after',
      `
Examples:
  payment-sim --port 9030 --scenario fail --delay 500ms
  payment-sim start --rules rules.yaml --set SHUTDOWN_GRACE_MS=0
  payment-sim start --redis redis://127.0.0.1:6379 --env-file .env`,
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      setVariables(command, options);
      const { runService } = await import('./run-service.ts');
      await runService();
    });
}

/** What the command line says goes before the environment. */
function setVariables(command: Command, options: Readonly<Record<string, unknown>>): void {
  for (const { flags, variable } of startFlags) {
    const value = options[new Option(flags).attributeName()];
    if (typeof value === 'string') {
      process.env[variable] = value;
    }
  }
  for (const assignment of command.opts<{ set?: readonly string[] }>().set ?? []) {
    const [, name, value = ''] = /^(\w+)=(.*)$/s.exec(assignment) ?? [];
    if (name === undefined) {
      throw new UsageError(`--set must be such as MAX_PAYMENTS=1000, not ${JSON.stringify(assignment)}`);
    }
    const near = nearestVariable(name);
    if (near !== undefined) {
      throw new UsageError(`--set ${name}: there is no such variable; did you mean ${near}?`);
    }
    process.env[name] = value;
  }
}

function readDelay(text: string): string {
  const ms = /^\d+$/.test(text) ? Number(text) : readDurationMs(text);
  if (ms === undefined) {
    throw new InvalidArgumentError(`It must be such as ${durationExamples}.`);
  }
  return String(ms);
}

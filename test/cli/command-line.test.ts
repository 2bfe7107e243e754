import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { runPaymentSim } from './payment-sim.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };

/** Every command that is shown, as the words that call it. */
function callsOf(command: Command, before: readonly string[] = []): string[][] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((each) => {
      const call = [...before, each.name()];
      return [call].concat(callsOf(each, call));
    });
}

const calls = callsOf(await createProgram());

test('there is every command that the documents name', () => {
  expect(calls.map((call) => call.join(' '))).toEqual([
    'start',
    'dev',
    'worker',
    'trigger',
    'listen',
    'tail',
    'payments',
    'payments list',
    'payments get',
    'payments cancel',
    'payments refund',
    'deliveries',
    'deliveries list',
    'deliveries resend',
    'rules',
    'rules list',
    'rules add',
    'rules remove',
    'reset',
    'status',
    'check-env',
    'aws-check',
    'completion',
  ]);
});

/** What `--help` of a command prints, without a process of its own. */
async function helpOf(call: readonly string[]): Promise<string> {
  let text = '';
  const program = await createProgram();
  const command = call.reduce<Command>(
    (at, name) => at.commands.find((each) => each.name() === name) ?? expect.unreachable(name),
    program,
  );
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

test.each(calls.filter((call) => !['payments', 'deliveries', 'rules'].includes(call.join(' '))))(
  'payment-sim %s %s has help with an example that its parser takes',
  async (...call) => {
    const help = await helpOf(call.filter(Boolean));
    expect(help).toMatch(/^Usage: payment-sim /);
    const examples = [...help.matchAll(/payment-sim (?!\[)([^\n)]*)/g)].map(([, words = '']) => words);
    expect(examples.length).toBeGreaterThan(1);
    for (const flag of examples.slice(1).flatMap((example) => example.match(/(?<= )--[a-z-]+/g) ?? [])) {
      expect(help, flag).toContain(flag);
    }
  },
);

test('help names every variable of service and worker', async () => {
  for (const name of [
    'MAX_PAYMENTS_BYTES',
    'RULES_FILE',
    'EVENT_BUS_NAME',
    'OTEL_SERVICE_NAME',
    'LOG_FORMAT',
  ]) {
    expect(await helpOf(['start'])).toContain(name);
  }
  expect(await helpOf(['worker'])).toContain('WORKER_VISIBILITY_SECONDS');
  expect(await helpOf(['worker'])).not.toContain('MAX_PAYMENTS');
});

test('--help and --version are answered on standard output, with 0', async () => {
  const [help, shown] = await Promise.all([runPaymentSim(['--help']), runPaymentSim(['--version'])]);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/^Usage: payment-sim [^]*Exit codes: 0 done/);
  expect(shown).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

describe('what is mistyped is told with what may have been meant, and ends with 2', () => {
  test.each([
    [['strat'], "payment-sim: unknown command 'strat'\n(Did you mean start?)"],
    [['payments', 'lits'], "payment-sim: unknown command 'lits'\n(Did you mean list?)"],
    [['--prot', '9030'], "payment-sim: unknown option '--prot'\n(Did you mean --port?)"],
    [['trigger', '--scenario', 'fial'], 'Allowed choices are approve, fail, delay, random.'],
    [['start', '--set', 'DEFAULT_DELY_MS=1'], 'there is no such variable; did you mean DEFAULT_DELAY_MS?'],
    [['start', '--set', 'nothing'], 'payment-sim start: --set must be such as MAX_PAYMENTS=1000'],
    [['start', '--delay', 'soon'], 'It must be such as 500ms, 2s'],
    [['start', 'now'], 'too many arguments'],
    [['payments', 'get'], "missing required argument 'id'"],
    [['payments', 'list', '--limit', '0'], 'It must be a whole number from 1 to 1000.'],
    [['tail', '--kind', 'cals'], 'Allowed choices are calls, payments, deliveries.'],
    [['status', '--\u001b[2J\u202e'], String.raw`unknown option '--\u001b[2J\u202e'`],
    [['payments', 'list', '--url', 'localhost:1'], '--url must be such as http://localhost:8030'],
    [['payments', 'list', '--session', 'a,b'], '--session must be 1 to 128 visible ASCII'],
    [['deliveries', 'resend', '--since', '1h', '--event', 'x'], "cannot be used with option '--event <id>'"],
    [['deliveries', 'resend', '--since', 'soon'], '--since must be a time'],
    [['rules', 'add', '{"simulation": {"outcom": 1}}'], 'the rule cannot be read'],
    [['listen', '--forward-to', 'ftp://x'], '--forward-to must be such as'],
  ])('%j', async (args, text) => {
    const { code, stdout, stderr } = await runPaymentSim(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  });
});

test('a flag goes before the environment, and that before a file', async () => {
  const flags = ['--set', 'MAX_PAYMENTS=x', '--scenario', 'y', '--delay', '2d', '--env-file', '.env.example'];
  const { code, stderr } = await runPaymentSim(flags, { env: { DEFAULT_SCENARIO: 'z', MAX_SESSIONS: 'v' } });
  expect(code).toBe(1);
  expect(stderr).toContain('payment-sim cannot run: The configuration has 4 mistake(s)');
  expect(stderr).toContain('MAX_PAYMENTS must be a whole number from 1 to 10000000, not "x"');
  expect(stderr).toContain('not "y"');
  expect(stderr).toContain('DEFAULT_DELAY_MS must be a whole number from 0 to 86400000, not "172800000"');
  expect(stderr).toContain('not "v"');
});

import { create, fromJsonString, toJson } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import {
  type SimulationOptions,
  SimulationOptionsSchema,
  SimulatedOutcome,
} from '../../../gen/payment/v1/payment_pb.js';
import { CodeSchema } from '../../../gen/google/rpc/code_pb.js';
import {
  CreateRuleResponseSchema,
  DeleteRuleResponseSchema,
  ListRulesResponseSchema,
  type Match,
  MatchSchema,
  type Rule,
  RuleSchema,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { errorMessage } from '../../base/error-text.ts';
import { UsageError } from '../common/cli-error.ts';
import { printJson, printLine, printTable } from '../common/output.ts';
import { action, wholeNumber } from '../common/run-program.ts';
import { connectService, type ServiceOptions, withServiceOptions } from '../common/service.ts';

/* `payment-sim rules`: what shall happen to which calls. */

interface AddOptions extends ServiceOptions {
  readonly id?: string;
  readonly method?: string;
  readonly user?: string;
  readonly reservation?: string;
  readonly times?: number;
  readonly skip?: number;
  readonly oneIn?: number;
  readonly label?: string;
}

const maxCount = 2_147_483_647;

/** Adds `rules` and what stands under it. */
export function addRules(program: Command): void {
  const rules = program
    .command('rules')
    .helpCommand(false)
    .helpGroup('Look and steer:')
    .description('lists, adds and removes rules: what shall happen to which calls');
  withServiceOptions(
    rules
      .command('list')
      .summary('lists them')
      .description('Lists rules in the order in which they are asked.'),
  )
    .addHelpText('after', '\nExample:\n  payment-sim rules list --session checkout-17')
    .action(action(listRules));
  addAdd(rules);
  withServiceOptions(
    rules
      .command('remove')
      .argument('<rule>', 'its id')
      .summary('removes one')
      .description('Removes a rule of the session.'),
  )
    .addHelpText('after', '\nExample:\n  payment-sim rules remove fail-twice')
    .action(action(removeRule));
}

function addAdd(rules: Command): void {
  withServiceOptions(
    rules
      .command('add')
      .argument(
        '<behavior>',
        'a failure code such as insufficient_funds, APPROVE, DECLINE, HOLD, EXPIRE, a code of gRPC such as UNAVAILABLE, or the JSON of SimulationOptions or of a whole Rule',
      )
      .summary('adds one')
      .description('Adds a rule, which comes before the older ones of its session.')
      .option('--id <rule>', 'its id; a new one unless given')
      .option('--method <name>', 'calls of this method; CreatePaymentIntent unless given')
      .option('--user <id>', 'of this user; user-* for all that begin so')
      .option('--reservation <id>', 'for this reservation; the same')
      .option('--times <number>', 'applies to so many calls', wholeNumber(1, maxCount))
      .option('--skip <number>', 'lets so many pass first', wholeNumber(1, maxCount))
      .option('--one-in <number>', 'applies to one in so many', wholeNumber(1, maxCount))
      .option('--label <text>', 'for whoever reads it'),
  )
    .addHelpText(
      'after',
      `
Examples:
  payment-sim rules add insufficient_funds --user user-7
  payment-sim rules add UNAVAILABLE --times 2 --id fail-twice --session checkout-17
  payment-sim rules add '{"delivery": {"copies": 2}}' --one-in 10`,
    )
    .action(action(addRule));
}

async function listRules(options: ServiceOptions): Promise<boolean> {
  const answer = await connectService(options, true).simulator.listRules({});
  if (options.json === true) {
    printJson(ListRulesResponseSchema, answer);
    return true;
  }
  printTable(
    ['RULE', 'CALLS', 'WHAT HAPPENS', 'MATCHED', 'OF', 'SESSION', 'FROM', 'LABEL'],
    answer.rules.map((rule) => [
      rule.ruleId,
      describeMatch(rule),
      rule.simulation === undefined ? '' : jsonText(rule.simulation),
      String(rule.matched),
      rule.times === 0 ? 'all' : String(rule.times),
      rule.sessionId,
      rule.source,
      rule.label,
    ]),
  );
  return true;
}

function describeMatch({ match }: Rule): string {
  const { method, ...others } = withoutType(match);
  const wanted = Object.entries(others)
    .filter(([, value]) => value !== '' && value !== 0n)
    .map(([name, value]) => `${name}=${String(value)}`);
  return [method === '' ? 'CreatePaymentIntent' : method, ...wanted].join(' ');
}

/** The fields alone. */
function withoutType(match: Match = create(MatchSchema)) {
  const { $typeName: _type, $unknown: _unknown, ...fields } = match;
  return fields;
}

function jsonText(simulation: SimulationOptions): string {
  return JSON.stringify(toJson(SimulationOptionsSchema, simulation, { useProtoFieldName: true }));
}

async function addRule(behavior: string, options: AddOptions): Promise<boolean> {
  const rule = readRule(behavior);
  const { id, method, user, reservation, times, skip, oneIn, label, ...where } = options;
  const answer = await connectService(where, false).simulator.createRule({
    rule: {
      simulation: rule.simulation,
      perReservation: rule.perReservation,
      ruleId: id ?? rule.ruleId,
      match: {
        ...withoutType(rule.match),
        ...(method !== undefined && { method }),
        ...(user !== undefined && { userId: user }),
        ...(reservation !== undefined && { reservationId: reservation }),
      },
      times: times ?? rule.times,
      skip: skip ?? rule.skip,
      oneIn: oneIn ?? rule.oneIn,
      label: label ?? rule.label,
    },
  });
  if (where.json === true) {
    printJson(CreateRuleResponseSchema, answer);
  } else {
    printLine(`rule ${answer.rule?.ruleId ?? ''} is there`);
  }
  return true;
}

async function removeRule(ruleId: string, options: ServiceOptions): Promise<boolean> {
  const answer = await connectService(options, false).simulator.deleteRule({ ruleId });
  if (options.json === true) {
    printJson(DeleteRuleResponseSchema, answer);
  } else {
    printLine(`rule ${ruleId} is gone`);
  }
  return true;
}

/** What shall happen, as the header `payment-sim-behavior` has it, or a whole rule. */
function readRule(text: string): Rule {
  const json = text.trim().startsWith('{') ? text : JSON.stringify({ simulation: simulationOf(text) });
  try {
    const isWhole = /"(?:simulation|match|rule_id|ruleId)"\s*:/.test(json);
    return fromJsonString(RuleSchema, isWhole ? json : `{"simulation": ${json}}`);
  } catch (error) {
    throw new UsageError(`the rule cannot be read: ${errorMessage(error)}`);
  }
}

function simulationOf(text: string): object {
  if (text in SimulatedOutcome && text !== 'UNSPECIFIED') {
    return { outcome: `SIMULATED_OUTCOME_${text}` };
  }
  const isCode = CodeSchema.values.some(({ name, number }) => name === text && number > 0);
  return isCode ? { api: { code: text } } : { failure_code: text };
}

import { fromJsonString, type JsonValue } from '@bufbuild/protobuf';
import { isNode } from 'yaml';
import { RuleSchema } from '../../../gen/simulator/v1/simulator_pb.js';
import { errorMessage } from '../../base/error-text.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { quote } from '../../base/quote.ts';
import { escapeInvisible } from '../../base/visible-text.ts';
import { add, type Violations } from '../../payment/violations.ts';
import { type Rule, type RuleInput, validateRule } from '../../simulator/rule.ts';
import { ruleFromProto } from './simulator-messages.ts';
import { emptyFields, jsonNames, type ParsedYaml } from './yaml-places.ts';

/** What the decoder of protobuf refuses in the JSON of a rule, by field; empty when nothing is found. */
export type FindJsonMistakes = (json: string) => Violations;

/** What is made of the node of a rule. */
export interface RuleNodeReading {
  /** Undefined when there is none to be checked. Where there are violations, it is not what was meant. */
  readonly rule: Rule | undefined;
  /** By field, such as `match.user_id`; of an empty one: the node as a whole. */
  readonly violations: Violations;
}

/** A rule as files have it, for messages. */
export const exampleRule =
  '{"match": {"user_id": "user-1"}, "simulation": {"failure_code": "insufficient_funds"}}';
/** Longest part of a file that a message repeats, in characters. */
export const maxQuotedLength = 40;

/** What is taken for a wrong value, so that fields that need it are not told to lack it. */
const standIns: Readonly<Record<string, JsonValue>> = {
  times: 1,
  skip: 1,
  'simulation.api.code': 'UNKNOWN',
  'simulation.api.drop_connection': true,
};

/**
 * Reads the rule of a node, and finds every mistake in it.
 *
 * @param origin see `validateRule`.
 */
export function readRuleNode(
  yaml: ParsedYaml,
  node: unknown,
  findJsonMistakes: FindJsonMistakes,
  origin: { readonly newId: () => string; readonly source: string },
): RuleNodeReading {
  const violations: Violations = [];
  const json = jsonOf(yaml, node, violations);
  if (json === undefined) {
    return { rule: undefined, violations };
  }
  for (const field of emptyFields(yaml, node)) {
    add(violations, field, 'must not be empty; leave it out, or say what it is');
  }
  violations.push(...findJsonMistakes(JSON.stringify(json)));
  const input = decode(json, violations);
  if (input === undefined) {
    return { rule: undefined, violations };
  }
  const ofRule: Violations = [];
  const rule = validateRule(ofRule, input, origin);
  const wrong = violations.map(({ field }) => field);
  for (const { field: path, description } of ofRule) {
    const field = path.replace(/^rule\.?/, '');
    // A message may seem to lack what is wrong in it, and was told.
    if (!wrong.some((other) => other === field || other.startsWith(`${field}.`))) {
      add(violations, field, description);
    }
  }
  return { rule, violations };
}

function jsonOf({ document }: ParsedYaml, node: unknown, violations: Violations): JsonObject | undefined {
  try {
    const value: unknown = isNode(node) ? node.toJS(document) : null;
    // JSON has finite numbers alone, and makes null of the others, which would be as if nothing stood there.
    const text = JSON.stringify(value, (_key, each: unknown) =>
      typeof each === 'number' && !Number.isFinite(each) ? String(each) : each,
    );
    const json: unknown = JSON.parse(text);
    if (isJsonObject(json)) {
      return json;
    }
    add(violations, '', `must be a rule, such as ${exampleRule}, not ${quote(json, maxQuotedLength)}`);
  } catch (error) {
    // An anchor that contains itself, or that is repeated without end.
    add(violations, '', `must be a rule, such as ${exampleRule}: ${firstLine(error)}`);
  }
  return undefined;
}

/** The rule in JSON; what is wrong in it is replaced. Undefined when it is beyond that. */
function decode(json: JsonObject, violations: Violations): RuleInput | undefined {
  const usable = violations.reduce(
    (rest, { field }) => replaceField(rest, field.split('.'), standIns[field]),
    json,
  );
  try {
    const options = { ignoreUnknownFields: violations.length > 0 };
    return ruleFromProto(fromJsonString(RuleSchema, JSON.stringify(usable), options));
  } catch (error) {
    if (violations.length === 0) {
      add(violations, '', `must be a rule, such as ${exampleRule}: ${firstLine(error)}`);
    }
    return undefined;
  }
}

/** @param value undefined takes the field out. */
function replaceField(json: JsonObject, path: readonly string[], value: JsonValue | undefined): JsonObject {
  const [name = '', ...rest] = path;
  const key = jsonNames(name).find((each) => Object.hasOwn(json, each));
  if (key === undefined) {
    return json;
  }
  const { [key]: old, ...others } = json;
  if (rest.length > 0) {
    return isJsonObject(old) ? { ...others, [key]: replaceField(old, rest, value) } : json;
  }
  return value === undefined ? others : { ...others, [key]: value };
}

function firstLine(error: unknown): string {
  return escapeInvisible(errorMessage(error).split('\n', 1)[0] ?? '');
}

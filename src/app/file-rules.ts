import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RuleSchema } from '../../gen/simulator/v1/simulator_pb.js';
import { ConfigError } from '../base/env/config-error.ts';
import { readTextFile } from '../base/env/text-file.ts';
import { simulatorFieldHints } from '../contracts/simulator-v1/field-hints.ts';
import type { RulesReading } from '../contracts/simulator-v1/rules-file.ts';
import { findJsonMistakes } from '../server/connect/json-request-check.ts';
import type { Rule } from '../simulator/rule.ts';
import type { Config } from './config.ts';

/* The part of the composition root (app.ts) that reads rules from files. */

type SteeringConfig = Pick<Config, 'simulatorApi' | 'magicUsers' | 'rulesFile'>;

/** The same from `src/` and from `dist/`. */
const magicUsersFile = fileURLToPath(new URL('../../rules/magic-users.yaml', import.meta.url));
/** Where it is in the package, wherever that is. */
const magicUsersName = 'rules/magic-users.yaml';
const nothing: RulesReading = { rules: [], mistakes: [] };

/** A test suite starts many simulators in its process, and the package's file is the same for all. */
let magicUsers: Promise<RulesReading> | undefined;

/** Rules that are there from the start, each list in the order in which it is asked. */
export interface FileRules {
  /** Of RULES_FILE, asked first. */
  readonly own: readonly Rule[];
  /** The magic users. */
  readonly magic: readonly Rule[];
}

/** @throws ConfigError that lists every mistake in them. */
export async function readFileRules(config: SteeringConfig): Promise<FileRules> {
  const { mistakes, ...rules } = await examineFileRules(config);
  if (mistakes.length > 0) {
    throw new ConfigError(mistakes);
  }
  return rules;
}

/** The same, with the mistakes, which begin with the variable's name. Without files it loads nothing. */
export async function examineFileRules(
  config: SteeringConfig,
): Promise<FileRules & Pick<RulesReading, 'mistakes'>> {
  if (!config.simulatorApi) {
    return { own: [], magic: [], mistakes: [] };
  }
  const magic = config.magicUsers ? await readMagicUsers() : nothing;
  const taken = new Map(magic.rules.map(({ id, source }) => [id, source]));
  const { rulesFile } = config;
  const own = rulesFile === undefined ? nothing : await readFile('RULES_FILE', rulesFile, rulesFile, taken);
  return { own: own.rules, magic: magic.rules, mistakes: [...own.mistakes, ...magic.mistakes] };
}

/** Whether something is there that is no file. */
function isOther(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

function readMagicUsers(): Promise<RulesReading> {
  magicUsers ??= readFile('MAGIC_USERS', magicUsersFile, magicUsersName);
  return magicUsers;
}

/** @param name what it is called to others. */
async function readFile(
  variable: string,
  file: string,
  name: string,
  taken: ReadonlyMap<string, string> = new Map(),
): Promise<RulesReading> {
  // A pipe that nobody writes to would hold up the start without a word.
  const reading = isOther(file) ? { problem: 'it is no regular file' } : readTextFile(file);
  if ('problem' in reading) {
    return { rules: [], mistakes: [`${variable} ${file} cannot be read: ${reading.problem}`] };
  }
  // It loads a parser of YAML, for which a start without files does not pay.
  const { readRulesFile } = await import('../contracts/simulator-v1/rules-file.ts');
  const { rules, mistakes } = readRulesFile({
    name,
    text: reading.text,
    taken,
    findJsonMistakes: (json) => [...findJsonMistakes(RuleSchema, json, simulatorFieldHints)],
  });
  return { rules, mistakes: mistakes.map((mistake) => `${variable} ${mistake}`) };
}

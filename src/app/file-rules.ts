import type { Rule } from '../simulator/rule.ts';
import type { Config } from './config.ts';

/* The part of the composition root (app.ts) that reads rules from files. */

/** The rules of RULES_FILE, then the magic users, in the order in which they are asked. */
export async function readFileRules(_config: Config): Promise<readonly Rule[]> {
  return [];
}

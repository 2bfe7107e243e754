import { describeNodeProblem } from './node-version.ts';

/*
 * For entries: ends the process with one line on a Node that is too old. Must be their first import: modules
 * are evaluated in the order of imports, and on such a Node some of the others throw.
 */
const problem = describeNodeProblem(process.versions.node);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}

import { describeNodeProblem } from './node-version.ts';

/* As end-on-old-node.ts, for what is imported by somebody else's process. */
const problem = describeNodeProblem(process.versions.node);
if (problem !== undefined) {
  throw new Error(problem);
}

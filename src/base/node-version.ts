/** The oldest that will do, as `engines` of package.json says. */
const oldest = [22, 20, 0] as const;

/** What is wrong with a version of Node such as `20.20.2`; undefined when it will do. */
export function describeNodeProblem(version: string): string | undefined {
  const parts = version.split('.').map(Number);
  const index = oldest.findIndex((least, at) => parts[at] !== least);
  return index === -1 || (parts[index] ?? 0) > (oldest[index] ?? 0)
    ? undefined
    : `payment-sim needs Node ${oldest[0]}.${oldest[1]} or newer, this is ${version}`;
}

import { nearestName } from '../near-name.ts';

/** A variable that is set, and the one that may have been meant. */
export interface MisspeltName {
  readonly name: string;
  readonly near: string;
}

/** Many real ones differ by a letter or two: AWS_ENDPOINT_URL_SNS and _SQS, OTEL_BLRP_ and OTEL_BSP_. */
const manyAlike = /^(AWS_ENDPOINT_URL_|OTEL_BLRP_|npm_)/;

/**
 * Variables that are set, that nobody reads, and whose names are near one that is read. Names of others are
 * everywhere in an environment, so what is near none is no mistake.
 *
 * @param known the names that are read.
 */
export function misspeltNames(
  env: Readonly<Record<string, string | undefined>>,
  known: ReadonlySet<string>,
): readonly MisspeltName[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const isOfOthers = value === undefined || value.trim() === '' || known.has(name) || manyAlike.test(name);
    const near = isOfOthers ? undefined : nearestName(name, known);
    return near === undefined ? [] : [{ name, near }];
  });
}

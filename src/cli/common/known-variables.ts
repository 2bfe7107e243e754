import { loadConfig } from '../../app/config.ts';
import { EnvironmentReader } from '../../base/env/config-reader.ts';
import { tryLoad } from '../../base/env/try-load.ts';
import { nearestName } from '../../base/near-name.ts';
import { loadWorkerConfig } from '../../worker/config.ts';

/** The processes that read variables, and how each does. */
export const loaders: Readonly<
  Record<'service' | 'worker', (env: NodeJS.ProcessEnv, read: EnvironmentReader) => unknown>
> = { service: loadConfig, worker: loadWorkerConfig };

/** The names that the processes read, or one of them. */
export function knownVariables(process?: keyof typeof loaders): ReadonlySet<string> {
  const known = new Set<string>();
  const chosen = process === undefined ? Object.values(loaders) : [loaders[process]];
  for (const load of chosen) {
    const read = new EnvironmentReader({});
    tryLoad(() => load({}, read));
    read.values.forEach((_value, name) => known.add(name));
  }
  return known;
}

/** The variable that a name may be a slip of; undefined when it is one itself, or near none. */
export function nearestVariable(name: string): string | undefined {
  const known = knownVariables();
  return known.has(name) ? undefined : nearestName(name, known);
}

/** What the AWS SDK looks up by itself: where it keeps its files, and what containers are given. */
const ofOthers = /^(HOME|USERPROFILE|AWS_(CONTAINER|WEB|SHARED|CONFIG)_.*)$/;

/** All variables of a process, for `--help`. */
export function describeVariables(process: keyof typeof loaders): string {
  const names = [...knownVariables(process)].filter((name) => !ofOthers.test(name)).join(' ');
  const lines = names.match(/.{1,96}(?: |$)/g) ?? [];
  return `Variables (docs/reference/configuration.md):\n${lines.map((line) => `  ${line.trimEnd()}`).join('\n')}`;
}

import { nearestName } from '../../base/near-name.ts';

/** Beginnings shorter than this, in characters, begin too much. */
const shortestStart = 4;

/**
 * The method that the path of a call may be meant for: one of the same service whose name is a slip away, or the only one
 * that begins as the path does (`CreatePayment`). Undefined when there is none.
 *
 * @param paths of all methods, `/package.Service/Method`.
 */
export function nearMethod(path: string, paths: Iterable<string>): string | undefined {
  const [service, name] = split(path);
  const names = [...paths].map(split).flatMap(([other, method]) => (other === service ? [method] : []));
  const near = nearestName(name, names);
  if (near !== undefined || name.length < shortestStart) {
    return near;
  }
  const longer = names.filter((method) => method.toLowerCase().startsWith(name.toLowerCase()));
  return longer.length === 1 ? longer[0] : undefined;
}

function split(path: string): readonly [service: string, method: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

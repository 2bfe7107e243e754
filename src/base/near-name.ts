/** Names shorter than this, in characters, are near others by chance. */
const shortest = 4;
/** From this length on, in characters, two slips make a near name; below it one. */
const long = 8;

/**
 * The name that `name` may be a slip of: one letter too many, too few, wrong, or two swapped; in long names
 * two such. Undefined when there is none, or when it is one of them. `name` may be of any length: what differs
 * by more letters than that is not compared.
 */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  if (name.length < shortest) {
    return undefined;
  }
  let nearest: string | undefined;
  let least = name.length < long ? 2 : 3;
  for (const candidate of names) {
    const isComparable = candidate.length >= shortest && Math.abs(candidate.length - name.length) < least;
    const slips = isComparable ? countSlips(name, candidate) : Infinity;
    if (slips === 0) {
      return undefined;
    }
    if (slips < least) {
      [nearest, least] = [candidate, slips];
    }
  }
  return nearest;
}

/** The optimal string alignment distance, row by row; the letters' case does not count. */
function countSlips(one: string, other: string): number {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}

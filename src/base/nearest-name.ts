/** Longer texts are compared by their beginning: the work grows with the product of both lengths. */
const maxComparedLength = 64;

/**
 * The name that was probably meant: the one with the fewest characters to change, letter case and what all
 * names begin with aside. Undefined when none is near.
 */
export function nearestName(text: string, names: readonly string[]): string | undefined {
  const prefixLength = commonPrefixLength(names);
  const given = text.slice(0, maxComparedLength).toLowerCase();
  let nearest: string | undefined;
  let fewest = Infinity;
  for (const name of names) {
    const full = name.toLowerCase();
    const changes = Math.min(editDistance(given, full), editDistance(given, full.slice(prefixLength)));
    if (changes < fewest) {
      nearest = name;
      fewest = changes;
    }
  }
  return fewest <= Math.max(1, Math.floor(given.length / 3)) ? nearest : undefined;
}

function commonPrefixLength([first = '', ...others]: readonly string[]): number {
  let length = others.length === 0 ? 0 : first.length;
  while (!others.every((other) => other.startsWith(first.slice(0, length)))) {
    length -= 1;
  }
  return length;
}

/** Levenshtein's distance: how many characters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

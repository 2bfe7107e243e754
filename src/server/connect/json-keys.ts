const quoteCode = 34;
const spaceCode = 32;

/**
 * Whether no object of a JSON text has a key twice: of two `JSON.parse` drops one. As many keys are written as there are
 * colons behind quotation marks, unless there are some in texts; then it is not known, which is false as well. A scan
 * of every letter, as protobuf does it, takes 2.1 µs for the text of a create, and this 0.3 (2026-11-28).
 *
 * @param json what `JSON.parse` has made of the text.
 */
export function hasEachKeyOnce(text: string, json: unknown): boolean {
  return countKeysAtMost(text) === countMembers(json);
}

function countKeysAtMost(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    // Blanks, line ends and tabs.
    while (text.charCodeAt(before) <= spaceCode) {
      before -= 1;
    }
    if (text.charCodeAt(before) === quoteCode) {
      count += 1;
    }
  }
  return count;
}

function countMembers(json: unknown): number {
  if (typeof json !== 'object' || json === null) {
    return 0;
  }
  if (Array.isArray(json)) {
    return json.reduce<number>((sum, value) => sum + countMembers(value), 0);
  }
  let count = 0;
  for (const value of Object.values(json)) {
    count += 1 + countMembers(value);
  }
  return count;
}

import { type Document, isAlias, isMap, isNode, isScalar, type LineCounter, type Pair } from 'yaml';

/* Where things stand in a text in YAML. */

/** A text in YAML, taken apart. */
export interface ParsedYaml {
  readonly document: Document;
  readonly lines: LineCounter;
}

/** Where something stands, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A node, or what it is an alias of. */
export function resolveAlias({ document }: ParsedYaml, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** Where a node begins; the begin of the text for what is nowhere. */
export function placeOf(yaml: ParsedYaml, node: unknown): Place {
  return placeAt(yaml, isNode(node) ? (node.range?.[0] ?? 0) : 0);
}

/** The place of a character, by its index. */
export function placeAt({ lines }: ParsedYaml, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/**
 * Where a field stands: its key, or the key of the innermost message around it that is there.
 *
 * @param path the names of fields as the contract has them, the outermost first.
 */
export function placeOfField(yaml: ParsedYaml, root: unknown, path: readonly string[]): Place {
  let node = resolveAlias(yaml, root);
  let place = placeOf(yaml, root);
  for (const name of path) {
    const pair = isMap(node) ? node.items.find((each) => jsonNames(name).includes(keyOf(each))) : undefined;
    if (pair === undefined) {
      return place;
    }
    place = placeOf(yaml, pair.key);
    node = resolveAlias(yaml, pair.value);
  }
  return place;
}

/** The names that protobuf's JSON has for a field: `user_id` and `userId`. */
export function jsonNames(name: string): readonly string[] {
  return [name, name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())];
}

/** The fields that stand there without a value, as their paths. */
export function emptyFields(yaml: ParsedYaml, root: unknown, depth = 0): readonly string[] {
  const node = resolveAlias(yaml, root);
  // Deeper than any rule: an anchor that contains itself has no end.
  if (!isMap(node) || depth > maxDepth) {
    return [];
  }
  return node.items.flatMap((pair) => {
    const value = resolveAlias(yaml, pair.value);
    const isEmpty = value === null || value === undefined || (isScalar(value) && value.value === null);
    return isEmpty
      ? [keyOf(pair)]
      : emptyFields(yaml, value, depth + 1).map((path) => `${keyOf(pair)}.${path}`);
  });
}

const maxDepth = 5;

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

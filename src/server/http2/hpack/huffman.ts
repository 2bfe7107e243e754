/*
 * The Huffman code of RFC 7541, appendix B. It is canonical: codes of the same length count up in the order of their
 * symbols, so that the lengths say all of it.
 */

/** Bits of the code of each byte, and of the end of a string (EOS), which is 256. */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const endOfString = 256;
/** Fewer bits than a byte, all ones, fill the last byte (5.2). */
const maxPaddingBits = 7;
const nibbleBits = 4;
const nibbles = 1 << nibbleBits;

interface Code {
  readonly bits: number;
  readonly length: number;
}

function assignCodes(): readonly Code[] {
  const codes: Code[] = [];
  const inOrder = codeLengths.map((length, symbol) => ({ length, symbol }));
  inOrder.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let bits = 0;
  let lengthBefore = 0;
  for (const { length, symbol } of inOrder) {
    bits <<= length - lengthBefore;
    codes[symbol] = { bits, length };
    bits += 1;
    lengthBefore = length;
  }
  return codes;
}

const codes = assignCodes();

/** A place in the tree of the codes; a number is the symbol of a leaf. */
interface Node {
  readonly index: number;
  /** Bits from the root to here, if all of them are ones and so may be padding. */
  readonly onesBefore: number | undefined;
  readonly next: (Node | number | undefined)[];
}

function growTree(): readonly Node[] {
  const nodes: Node[] = [];
  const grow = (onesBefore: number | undefined): Node => {
    const node: Node = { index: nodes.length, onesBefore, next: [] };
    nodes.push(node);
    return node;
  };
  const root = grow(0);
  for (const [symbol, { bits, length }] of codes.entries()) {
    let node = root;
    for (let left = length - 1; left > 0; left -= 1) {
      const bit = (bits >> left) & 1;
      const ones = bit === 1 && node.onesBefore !== undefined ? node.onesBefore + 1 : undefined;
      const known = node.next[bit];
      const inner = typeof known === 'object' ? known : grow(ones);
      node.next[bit] = inner;
      node = inner;
    }
    node.next[bits & 1] = symbol;
  }
  return nodes;
}

/** In a transition: the state after it, and whether a symbol has come to an end, and which. */
const stateMask = 0x1ff;
const emits = 0x200;
const symbolShift = 10;
const invalid = -1;

/** States are the inner nodes of the tree; the transition of each by each four bits. */
const transitions = new Int32Array(256 * nibbles);
/** Whether a string may end in a state. */
const mayEnd = new Uint8Array(256);

function fillTransitions(): void {
  const nodes = growTree();
  for (const node of nodes) {
    mayEnd[node.index] = node.onesBefore !== undefined && node.onesBefore <= maxPaddingBits ? 1 : 0;
    for (let nibble = 0; nibble < nibbles; nibble += 1) {
      transitions[node.index * nibbles + nibble] = follow(nodes, node, nibble);
    }
  }
}

/** No code is shorter than five bits: four of them end one symbol at most. */
function follow(nodes: readonly Node[], start: Node, nibble: number): number {
  let node = start;
  let emitted = 0;
  for (let left = nibbleBits - 1; left >= 0; left -= 1) {
    const next = node.next[(nibble >> left) & 1];
    if (next === undefined || next === endOfString) {
      return invalid;
    }
    if (typeof next === 'number') {
      emitted = emits | (next << symbolShift);
      node = nodes[0] ?? node;
    } else {
      node = next;
    }
  }
  return emitted | node.index;
}

fillTransitions();

/** The most bytes that so many bytes of Huffman code stand for. */
export function maxHuffmanBytes(length: number): number {
  return Math.ceil((length * 8) / 5);
}

/**
 * Decodes the bytes from `start` to `end` into `target`, which has room for `maxHuffmanBytes` of them.
 *
 * @returns how many bytes it has written; -1 for what is not valid: EOS, or padding that is too long or not all ones.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let state = 0;
  let written = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    for (let shift = nibbleBits; shift >= 0; shift -= nibbleBits) {
      const transition = transitions[state * nibbles + ((byte >> shift) & (nibbles - 1))] ?? invalid;
      if (transition === invalid) {
        return -1;
      }
      if ((transition & emits) !== 0) {
        target[written] = transition >> symbolShift;
        written += 1;
      }
      state = transition & stateMask;
    }
  }
  return mayEnd[state] === 1 ? written : -1;
}

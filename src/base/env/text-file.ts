import { readFileSync } from 'node:fs';
import { errorMessage } from '../error-text.ts';

/** The text of a file, or why there is none, in words that stand after "cannot be read: ". */
export type TextReading = { readonly text: string } | { readonly problem: string };

/** Reads a file that somebody has written, as UTF-8 and without its byte order mark. */
export function readTextFile(file: string): TextReading {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return { problem: errorMessage(error) };
  }
  // Text of ASCII letters in UTF-16 is valid UTF-8 with a zero in every other byte.
  const isUtf16 = /^(?:\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2)) || bytes.includes(0);
  try {
    if (!isUtf16) {
      return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    }
  } catch {
    // Told below.
  }
  return { problem: `it is in ${isUtf16 ? 'UTF-16' : 'another encoding'}, save it as UTF-8` };
}

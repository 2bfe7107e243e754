import { findInvisible } from '../base/visible-text.ts';

/** Longest id or idempotency key, in characters (Unicode code points). */
export const maxIdLength = 128;

/** Most ids, decided on at once: visible ASCII, with blanks within, no slashes, and not dots alone. */
const plainId = /^(?!\.\.?$)[!-.0-[\]-~](?:[ -.0-[\]-~]*[!-.0-[\]-~])?$/;

/**
 * What is wrong with the id of something: a reservation, a user, a payment, an event. Undefined when nothing
 * is. Everybody takes an id as it stands and changes nothing about it. Parts of the platform make it a segment
 * of a URL's path, where slashes and dots address something else, however they are encoded.
 *
 * @param id not empty.
 */
export function describeIdProblem(id: string): string | undefined {
  if (id.length <= maxIdLength && plainId.test(id)) {
    return undefined;
  }
  if (id === '.' || id === '..') {
    return 'must not be "." or "..", which mean something else in a URL';
  }
  return (
    describeTextProblem(id) ?? (/[/\\]/.test(id) ? 'must be without slashes and backslashes' : undefined)
  );
}

/**
 * What is wrong with an idempotency key, undefined when nothing is. As ids, but with slashes: it is never part
 * of a URL, and keys in base64 have them.
 *
 * @param key not empty.
 */
export function describeKeyProblem(key: string): string | undefined {
  return key.length <= maxIdLength && plainId.test(key) ? undefined : describeTextProblem(key);
}

function describeTextProblem(text: string): string | undefined {
  // A character has one or two UTF-16 code units.
  const length = text.length <= maxIdLength ? text.length : Array.from(text).length;
  if (length > maxIdLength) {
    return `must be at most ${maxIdLength} characters long, not ${length}`;
  }
  const invisible = findInvisible(text);
  if (invisible !== undefined) {
    return `must be without control and invisible characters, and has ${invisible}`;
  }
  return /^\s|\s$/.test(text) ? 'must not begin or end with a blank: nothing is trimmed' : undefined;
}

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasEachKeyOnce } from '../../src/server/connect/json-keys.ts';

const known = (text: string) => hasEachKeyOnce(text, JSON.parse(text));

test.each([
  ['{}', true],
  ['[1, "a", null]', true],
  ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', true],
  ['{ "a" \t:\r\n "http://127.0.0.1:3000/b" }', true],
  ['{"a":1,"a":2}', false],
  ['{"a":1, "a" : {"b":1}}', false],
  ['{"a" :{"b":1,"b":2}}', false],
  ['{"a":1,"\\u0061":2}', false],
  ['{"__proto__":1,"__proto__":2}', false],
  // Not known, for the colons in texts.
  ['{"a":":"}', false],
  [String.raw`{"a":"\": "}`, false],
])('%s has each key once: %s', (text, expected) => expect(known(text)).toBe(expected));

test('a text with a key that is there twice is never said to have each once', () => {
  const spaced = fc.constantFrom('', ' ', '\n', '\t ');
  fc.assert(
    fc.property(fc.json(), fc.string(), fc.json(), spaced, (value, key, other, space) => {
      const name = JSON.stringify(key);
      const twice = `{${name}${space}:${value},${name}:${space}${other}}`;
      expect(known(twice)).toBe(false);
      expect(known(`[${value},${twice}]`)).toBe(false);
    }),
  );
});

test('what has no colons but behind its keys has each key once', () => {
  const word = fc.stringMatching(/^[\w .-]*$/);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      word,
      fc.integer(),
      fc.constant(null),
      fc.array(tie('value')),
      fc.dictionary(word, tie('value')),
    ),
  }));
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1), (json, indent) => {
      expect(known(JSON.stringify(json, null, indent))).toBe(true);
    }),
  );
});

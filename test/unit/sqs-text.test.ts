import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toSqsJson, toSqsText } from '../../src/aws/sqs-text.ts';

const allowed = '\t\n\r ~\u007F\uD7FF\uE000\uFFFD\u{10000}\u{10FFFF}한';

test('what SQS takes stays as it is', () => {
  expect(toSqsText(allowed)).toBe(allowed);
  expect(toSqsJson(JSON.stringify(allowed))).toBe(JSON.stringify(allowed));
});

test.each(['\u0000', '\u000B', '\u001F', '\uD800', '\uDC00', '\uFFFE', '\uFFFF'])(
  '%j is replaced in text and escaped in JSON',
  (refused) => {
    const hex = refused.charCodeAt(0).toString(16).padStart(4, '0');
    expect(toSqsText(`a${refused}b`)).toBe('a\uFFFDb');
    expect(toSqsJson(`"a${refused}b"`)).toBe(`"a\\u${hex}b"`);
  },
);

test('escaped JSON says the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const value = `${text}\uFFFE\uD800`;
      expect(JSON.parse(toSqsJson(JSON.stringify(value)))).toBe(value);
    }),
  );
});

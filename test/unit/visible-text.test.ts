import { expect, test } from 'vitest';
import { escapeInvisible } from '../../src/base/visible-text.ts';

test.each([
  ['\u001b[2J\u0007', String.raw`\u001b[2J\u0007`],
  ['a\rb\nc\td', String.raw`a\u000db\u000ac\u0009d`],
  ['\u009b31m\u007f', String.raw`\u009b31m\u007f`],
  ['\u202egnp.exe\u200b', String.raw`\u202egnp.exe\u200b`],
  ['\u{e0041}\ud800', String.raw`\u{e0041}\ud800`],
  ['a b\u00a0c\u3000\u3164\u2800', String.raw`a b\u00a0c\u3000\u3164\u2800`],
  ['결제 é 日本 \\ 🎉', '결제 é 日本 \\ 🎉'],
])('%j', (text, shown) => {
  expect(escapeInvisible(text)).toBe(shown);
});

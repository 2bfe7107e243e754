import { expect, test } from 'vitest';
import { toEnvelope } from '../../dev/event-bus.ts';
import { transformInput } from '../../dev/input-transformer.ts';

const event = toEnvelope(
  {
    source: 'shop',
    detailType: 'Sold "out"',
    detail: { n: 1, on: true, none: null, list: [1, 'a'], deep: { er: 'x' }, text: 'a "b" \\ \n' },
    resources: [],
    timeMs: 0,
  },
  'ap-northeast-2',
);

function transform(InputTemplate: string, InputPathsMap: Record<string, string> = {}): unknown {
  return JSON.parse(transformInput({ InputTemplate, InputPathsMap }, event));
}

test('a value stands as JSON outside of quotes, and as text within', () => {
  const paths = { n: '$.detail.n', text: '$.detail.text', type: '$.detail-type', er: '$.detail.deep.er' };
  expect(
    transform('{"n": <n>, "s": "<n> of <type>", "t": <text>, "u": "<text>", "er": <er>}', paths),
  ).toEqual({ n: 1, s: '1 of Sold "out"', t: 'a "b" \\ \n', u: 'a "b" \\ \n', er: 'x' });
  const values = { on: '$.detail.on', none: '$.detail.none', list: '$.detail.list', time: '$.time' };
  expect(transform('[<on>, <none>, <list>, <time>, "\\"<on>\\""]', values)).toEqual([
    true,
    null,
    [1, 'a'],
    '1970-01-01T00:00:00Z',
    '"true"',
  ]);
  expect(transform('"<n> left"', paths)).toBe('1 left');
});

test('what AWS leaves out in silence is an error here', () => {
  expect(() => transform('{"a": <b>}')).toThrow('<b> has no path in dot notation');
  expect(() => transform('{"a": "<b>"}', { b: "$['source']" })).toThrow('<b> has no path in dot notation');
  expect(() => transform('{"a": <b>}', { b: '$.detail.missing' })).toThrow(
    'the event has no $.detail.missing',
  );
  expect(() => transform('{"a": <b>}', { b: '$.detail.n.m' })).toThrow('the event has no $.detail.n.m');
  expect(() => transform('{"a": <n>', { n: '$.detail.n' })).toThrow('JSON');
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCallTrace, traceFields, traceHeaders } from '../../src/base/call-trace.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${parent}-01`;

function parse(headers: { traceparent?: string; tracestate?: string; requestId?: string }) {
  return parseCallTrace({
    traceparent: headers.traceparent,
    tracestate: headers.tracestate,
    requestId: headers.requestId,
  });
}

function stateOf(tracestate: string): string | undefined {
  return parse({ traceparent, tracestate })?.tracestate;
}

/** So many entries of five characters or a little more. */
function shortEntries(count: number): string {
  return Array.from({ length: count }, (_, i) => `k${i}=v`).join(',');
}

test('a whole trace comes through as it was sent', () => {
  const trace = parse({ traceparent, tracestate: 'rojo=00f067aa0ba902b7,a@b=c', requestId: 'r-1' });
  expect(trace).toEqual({ traceparent, tracestate: 'rojo=00f067aa0ba902b7,a@b=c', requestId: 'r-1' });
  expect(traceFields(trace)).toEqual({ trace_id: traceId, request_id: 'r-1' });
  expect(traceHeaders(trace)).toEqual({
    traceparent,
    tracestate: 'rojo=00f067aa0ba902b7,a@b=c',
    'x-request-id': 'r-1',
  });
});

test('without headers there is no trace', () => {
  expect(parse({})).toBeUndefined();
  expect(parse({ traceparent: '', tracestate: 'a=b', requestId: '' })).toBeUndefined();
  expect([traceFields(undefined), traceHeaders(undefined)]).toEqual([{}, {}]);
});

test.each([
  ['text', 'text'],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${parent}-01`],
  ['a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['upper case', `00-${traceId.toUpperCase()}-${parent}-01`],
  ['too short', `00-${traceId}-${parent}-1`],
  ['something after version 00', `${traceparent}-more`],
  ['version ff', `ff-${traceId}-${parent}-01`],
  ['a later version that runs on', `cc-${traceId}-${parent}-01.more`],
  ['sent twice', `${traceparent}, ${traceparent}`],
])('a traceparent that is malformed is dropped with its state: %s', (_name, value) => {
  expect(parse({ traceparent: value, tracestate: 'a=b', requestId: 'r-1' })).toEqual({
    traceparent: undefined,
    tracestate: undefined,
    requestId: 'r-1',
  });
});

test.each([
  ['cc', '01', '-what-ever', '01'],
  ['01', 'ff', '', '01'],
  ['01', '02', '', '00'],
])('version %s is passed on as version 00', (version, flags, rest, passedOn) => {
  expect(parse({ traceparent: `${version}-${traceId}-${parent}-${flags}${rest}` })?.traceparent).toBe(
    `00-${traceId}-${parent}-${passedOn}`,
  );
});

describe('tracestate', () => {
  test.each([
    ['blanks and empty entries', ' a=1 ,, b=2\t,', 'a=1,b=2'],
    ['a blank inside a value', 'a=x y', 'a=x y'],
    ['a tenant', '0fw529a3039@dt=FfSpTHL;a:b', '0fw529a3039@dt=FfSpTHL;a:b'],
    ['nothing', '', undefined],
    ['a key in upper case', 'A=1', undefined],
    ['no value', 'a=', undefined],
    ['no key', '=1', undefined],
    ['an equals sign in the value', 'a=b=c', undefined],
    ['letters that are not ASCII', 'a=é', undefined],
    ['a key twice', 'a=1,a=2', undefined],
  ])('%s', (_name, value, expected) => {
    expect(stateOf(value)).toBe(expected);
  });

  test('has at most 32 entries', () => {
    expect(stateOf(shortEntries(32))).toBe(shortEntries(32));
    expect(stateOf(shortEntries(33))).toBeUndefined();
  });

  test('is cut to 512 characters: long entries go first, then those at the end', () => {
    const long = `long=${'x'.repeat(200)}`;
    const [e, f, ...shorts] = ['e', 'f', 'a', 'b', 'c', 'd'].map((name) => `${name}=${'y'.repeat(98)}`);
    expect(stateOf([shorts[0], long, ...shorts.slice(1)].join(','))).toBe(shorts.join(','));
    expect(stateOf([...shorts, e, f].join(','))).toBe([...shorts, e].join(','));
  });
});

test.each([
  ['r', 'r'],
  ['x'.repeat(128), 'x'.repeat(128)],
  ['x'.repeat(129), undefined],
  ['two words', undefined],
  ['line\nbreak', undefined],
  ['é', undefined],
])('request id %j', (value, expected) => {
  expect(parse({ requestId: value })?.requestId).toBe(expected);
});

test('whatever is sent, what is kept fits into 700 bytes and into a header', () => {
  const entry = fc.tuple(fc.stringMatching(/^[a-z]{1,20}$/), fc.stringMatching(/^[!-+\--<>-~]{1,250}$/));
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 40 }).map((entries) => entries.map((pair) => pair.join('=')).join(',')),
      fc.string(),
      fc.oneof(fc.string(), fc.constant(traceparent)),
      (tracestate, requestId, parentHeader) => {
        const headers = traceHeaders(parse({ traceparent: parentHeader, tracestate, requestId }));
        const text = Object.values(headers).join('');
        expect(text).toMatch(/^[ -~]*$/);
        expect(text.length).toBeLessThanOrEqual(700);
      },
    ),
  );
});

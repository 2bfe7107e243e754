import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { corkForTurn } from '../../src/server/transport/cork-for-turn.ts';

/** Notes what leaves together. */
function noting() {
  const left: string[][] = [];
  const stream = new Writable({
    decodeStrings: false,
    writev(chunks, done) {
      left.push(chunks.map(({ chunk }: { chunk: string }) => chunk));
      done();
    },
  });
  return { left, stream };
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test('what is written within a turn of the event loop leaves together at its end', async () => {
  const [one, other] = [noting(), noting()];
  for (const text of ['a', 'b']) {
    for (const { stream } of [one, other]) {
      corkForTurn(stream);
      stream.write(text);
    }
    await Promise.resolve();
  }
  expect([one.left, other.left]).toEqual([[], []]);
  await endOfTurn();
  expect([one.left, other.left]).toEqual([[['a', 'b']], [['a', 'b']]]);
  corkForTurn(one.stream);
  one.stream.write('c');
  await endOfTurn();
  expect(one.left).toEqual([['a', 'b'], ['c']]);
});

test('one that is destroyed meanwhile keeps no other back', async () => {
  const [one, other] = [noting(), noting()];
  corkForTurn(one.stream);
  one.stream.write('a');
  corkForTurn(other.stream);
  other.stream.write('b');
  one.stream.destroy();
  await endOfTurn();
  expect([one.left, other.left]).toEqual([[], [['b']]]);
});

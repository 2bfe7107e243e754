import type { Writable } from 'node:stream';

let corked: Writable[] = [];

function uncorkAll(): void {
  const all = corked;
  corked = [];
  for (const stream of all) {
    stream.uncork();
  }
}

/**
 * Keeps what is written to a stream back until the end of this turn of the event loop, when what all streams have leaves
 * at once. An answer that leaves by itself wakes its reader, and finds it asleep again with the next one: on one
 * machine that costs as much as reading the request. JSON creates over 50 connections take 63.6 instead of 74.8 µs of
 * CPU (2026-11-28, 4 rounds in turns, 2 cores of an Intel Xeon).
 */
export function corkForTurn(stream: Writable): void {
  stream.cork();
  if (corked.length === 0) {
    setImmediate(uncorkAll);
  }
  corked.push(stream);
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HpackDecoder } from '../../src/server/http2/hpack/decoder.ts';
import { HpackEncoder, maxEncodedBytes } from '../../src/server/http2/hpack/encoder.ts';
import { installMs, isMissing, keptInstall, runInstall } from '../stand-ins/kept-install.ts';

/* Header compression against an implementation that others wrote: hpack of python-hyper. */

const requirements = join(import.meta.dirname, 'hpack/requirements.txt');
const peerScript = join(import.meta.dirname, 'hpack/peer.py');
const runs = 20;
/** A table of 4,096 bytes is filled many times over. */
const blocksPerRun = 300;

/** Looking for a smaller example ends, before the test does. */
const asserted = { numRuns: runs, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true };

type Fields = readonly (readonly [name: string, value: string])[];

/** Starts the other implementation; one call at a time. */
async function startPeer() {
  const wanted = { name: 'hpack', list: requirements, version: /^hpack==(\S+)/m, proof: 'bin/python' };
  const venv = await keptInstall(wanted, async (folder) => {
    await runInstall('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await runInstall(join(folder, 'bin/python'), [...pip, '-r', requirements]);
  });
  return () => {
    const child = spawn(join(venv, 'bin/python'), [peerScript], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const ask = async (call: unknown): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify(call)}\n`);
      const line = await lines.next();
      if (line.done === true) {
        throw new Error(`python-hyper does not take ${JSON.stringify(call)}`);
      }
      return JSON.parse(line.value);
    };
    return { ask, end: () => child.kill() };
  };
}

/** All bytes, so that every Huffman code comes up: what may be in a header is not for HPACK to say. */
const latin1 = fc
  .array(fc.integer({ min: 0, max: 0xff }), { maxLength: 60, size: 'max' })
  .map((codes) => String.fromCharCode(...codes));
const name = fc.oneof(
  fc.constantFrom(
    ':status',
    'content-type',
    'date',
    'grpc-status',
    'set-cookie',
    'x-request-id',
    'grpc-message',
  ),
  fc.stringMatching(/^[a-z0-9-]{1,20}$/),
);
const value = fc.oneof(fc.constantFrom('200', 'application/grpc', '0', ''), latin1);
/** Seldom, so that the table fills in between. */
const size = fc.oneof(
  { weight: 30, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom(0, 50, 64, 300, 1_000) },
  { weight: 3, arbitrary: fc.constantFrom(4_096, 16_384) },
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 20, size: 'max' });
/** The headers of one block, and the size of the table that is set before it, if any. */
const block = fc.record({ fields, size, huffman: fc.boolean() });
/** Most lists come again, as those of a connection do. */
const blocks = fc
  .array(block, { minLength: 10, maxLength: 60, size: 'max' })
  .chain((some) =>
    fc.array(fc.constantFrom(...some), { minLength: 100, maxLength: blocksPerRun, size: 'max' }),
  );

const flat = (pairs: Fields): string[] => pairs.flat();

describe.skipIf(isMissing('python3', '--version'))('HPACK (needs Python)', () => {
  test(
    'what we encode is decoded by python-hyper, whatever sizes of the table it asks for',
    async () => {
      const start = await startPeer();
      await fc.assert(
        fc.asyncProperty(blocks, async (all) => {
          const peer = start();
          onTestFinished(() => void peer.end());
          const encoder = new HpackEncoder();
          for (const each of all) {
            if (each.size !== null) {
              encoder.setMaxTableBytes(each.size);
            }
            const target = Buffer.alloc(maxEncodedBytes(flat(each.fields)));
            const end = encoder.encode(flat(each.fields), target, 0);
            const call = { decode: target.subarray(0, end).toString('hex'), size: each.size };
            expect(await peer.ask(call)).toEqual(each.fields);
          }
          peer.end();
        }),
        asserted,
      );
    },
    installMs,
  );

  test(
    'what python-hyper encodes is decoded here, with and without Huffman code',
    async () => {
      const start = await startPeer();
      await fc.assert(
        fc.asyncProperty(blocks, async (all) => {
          const peer = start();
          onTestFinished(() => void peer.end());
          const decoder = new HpackDecoder(16_384);
          for (const each of all) {
            const call = { encode: each.fields, huffman: each.huffman, size: each.size };
            const encoded = Buffer.from(String(await peer.ask(call)), 'hex');
            expect(decoder.decode(encoded, 1_000_000, 1_000)).toEqual(
              expect.objectContaining({ fields: flat(each.fields), tooLarge: false }),
            );
          }
          peer.end();
        }),
        asserted,
      );
    },
    installMs,
  );
});

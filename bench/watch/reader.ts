import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';

// Watches all sessions of the service at WATCHED_PORT, and counts. Answers any message with what it has read so far.

interface Message {
  readonly cursor: string;
  readonly skipped?: string;
  readonly entries?: readonly { readonly cursor: string; readonly call?: unknown }[];
}

const definitions = loadSync('simulator/v1/simulator.proto', {
  includeDirs: [fileURLToPath(new URL('../../proto', import.meta.url))],
  keepCase: true,
  longs: String,
});
const service = definitions['simulator.v1.SimulatorService'] as Record<
  string,
  MethodDefinition<object, Message>
>;
const watch = service['Watch'];
if (watch === undefined) {
  throw new Error('Watch is not in the proto files');
}

const counts = { entries: 0, calls: 0, lost: 0, doubled: 0, messages: 0, end: '' };
/** The position of the last entry that was read. */
let last = 0;

const opened = Promise.withResolvers<void>();

const client = new Client(`127.0.0.1:${process.env['WATCHED_PORT']}`, credentials.createInsecure(), {
  'grpc.max_receive_message_length': -1,
});
const metadata = new Metadata();
metadata.set('payment-sim-session', '*');
const stream = client.makeServerStreamRequest(
  watch.path,
  watch.requestSerialize,
  watch.responseDeserialize,
  {},
  metadata,
);
stream.on('data', ({ cursor, entries = [] }: Message) => {
  counts.messages += 1;
  if (counts.messages === 1) {
    last = positionOf(cursor);
    opened.resolve();
  }
  for (const entry of entries) {
    const position = positionOf(entry.cursor);
    counts.lost += Math.max(0, position - last - 1);
    counts.doubled += position <= last ? 1 : 0;
    last = Math.max(last, position);
    counts.entries += 1;
    counts.calls += entry.call === undefined ? 0 : 1;
  }
});
stream.on('error', (error) => (counts.end = error.message));

function positionOf(cursor: string): number {
  return Number(cursor.split('-')[1]);
}

process.on('message', () => void opened.promise.then(() => process.send?.(counts)));

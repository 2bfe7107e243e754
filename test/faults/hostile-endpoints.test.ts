import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { startScriptedReceiver } from '../delivery/scripted-receiver.ts';
import { deliveredLine, givenUpLine, startSenderOn } from '../delivery/start-webhook-sender.ts';

/** For a machine that is busy. */
const inTime = { timeout: 20_000 };

const megabyte = Buffer.alloc(1_048_576, 'x');

function dripInto(response: ServerResponse, write: () => unknown): void {
  const drip = setInterval(write, 10);
  response.on('close', () => clearInterval(drip));
}

function pour(response: ServerResponse, megabytes: number): void {
  let left = megabytes;
  const write = () => {
    while (left > 0 && !response.closed && response.write(megabyte)) {
      left -= 1;
    }
  };
  response.on('drain', write);
  write();
}

interface Endpoint {
  readonly how: string;
  readonly script: (response: ServerResponse, socket: Socket) => void;
  /** The reason in the metric of attempts, `delivered` for a success. */
  readonly outcome: string;
}

const endpoints: readonly Endpoint[] = [
  { how: 'hangs', script: () => undefined, outcome: 'timeout' },
  {
    how: 'resets the connection in the middle of its answer',
    script(response, socket) {
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('half', () => socket.resetAndDestroy());
    },
    outcome: 'connection',
  },
  {
    how: 'answers byte by byte',
    script(response) {
      response.writeHead(200);
      dripInto(response, () => response.write('.'));
    },
    outcome: 'timeout',
  },
  {
    how: 'sends its headers byte by byte',
    script(response, socket) {
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      dripInto(response, () => socket.write('x'));
    },
    outcome: 'timeout',
  },
  {
    how: 'streams without end',
    script: (response) => pour(response.writeHead(200), Infinity),
    outcome: 'delivered',
  },
  {
    how: 'streams an error without end',
    script: (response) => pour(response.writeHead(500), Infinity),
    outcome: 'http_500',
  },
  {
    how: 'sends a body of 100 MB',
    script: (response) => pour(response.writeHead(500, { 'content-length': 104_857_600 }), 100),
    outcome: 'http_500',
  },
  {
    how: 'redirects to itself',
    script: (response) => response.writeHead(301, { location: '/hooks' }).end(),
    outcome: 'http_301',
  },
];

test.each(endpoints)('an endpoint that $how costs one bounded attempt', async ({ script, outcome }) => {
  let sentBytes = 0;
  const hostile = await startScriptedReceiver((response, _nth, socket) => {
    socket.on('close', () => (sentBytes = Math.max(sentBytes, socket.bytesWritten)));
    script(response, socket);
  });
  const healthy = await startScriptedReceiver((response) => response.end());
  const { send, logs, count, connections } = startSenderOn(systemClock, { timeoutMs: 1_000, maxAttempts: 1 });
  send(`${hostile.origin}/hooks`, 'hostile');
  send(`${healthy.origin}/hooks`, 'healthy');
  await expect
    .poll(() => logs(deliveredLine).map((line) => line['event_id']), inTime)
    .toContain('evt-healthy');
  await expect.poll(() => logs(deliveredLine).length + logs(givenUpLine).length, inTime).toBe(2);
  expect(await count('webhook_attempts_total', outcome)).toBe(outcome === 'delivered' ? 2 : 1);
  expect(hostile.requests).toHaveLength(1);
  expect(JSON.stringify(logs(givenUpLine)[0]?.['error'] ?? '').length).toBeLessThan(300);
  // Nothing of it is held on to: the connection is gone, unless the answer was complete.
  expect(connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
  await expect.poll(() => hostile.connections(), inTime).toBe(outcome === 'http_301' ? 1 : 0);
  // What the system's buffers hold, not what there was to send.
  expect(sentBytes).toBeLessThan(20 * 1_048_576);
});

test('an endpoint that closes kept connections without a word gets every webhook', async () => {
  const receiver = await startScriptedReceiver((response, _nth, socket) =>
    response.end('ok', () => socket.end()),
  );
  const { send, logs } = startSenderOn(systemClock, { retryBaseMs: 10 });
  for (let i = 0; i < 200; i += 1) {
    send(`${receiver.origin}/`, String(i));
  }
  await expect.poll(() => logs(deliveredLine).length, inTime).toBe(200);
  expect(logs(givenUpLine)).toEqual([]);
  const ids = receiver.requests.map(({ request }) => request.headers['webhook-id']);
  expect(new Set(ids).size).toBe(200);
});

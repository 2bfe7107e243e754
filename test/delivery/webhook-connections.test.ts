import diagnostics from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  NoConnection,
  WebhookConnection,
  WebhookConnections,
} from '../../src/delivery/webhook/connections.ts';
import type { AttemptResult } from '../../src/delivery/retry-policy.ts';
import { sendWebhookRequest } from '../../src/delivery/webhook/request.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { startScriptedReceiver, unusedOrigin } from './scripted-receiver.ts';
import { openConnector, openPool as openPoolWith } from './start-webhook-sender.ts';

function openPool(maxPerOrigin: number, maxTotal: number): WebhookConnections {
  return openPoolWith({ maxPerOrigin, maxTotal });
}

/** Most sockets that were open at once on this side, in all and to one origin. */
function watchSockets() {
  const open = new Map<Socket, string>();
  const most = { total: 0, perOrigin: 0 };
  const onConnected = (message: unknown) => {
    const { socket, connectParams } = message as {
      socket: Socket;
      connectParams: { hostname: string; port: string };
    };
    open.set(socket, connectParams.port);
    for (const other of open.keys()) {
      if (other.destroyed) {
        open.delete(other);
      }
    }
    most.total = Math.max(most.total, open.size);
    const sameOrigin = [...open.values()].filter((port) => port === connectParams.port).length;
    most.perOrigin = Math.max(most.perOrigin, sameOrigin);
  };
  diagnostics.subscribe('undici:client:connected', onConnected);
  onTestFinished(() => void diagnostics.unsubscribe('undici:client:connected', onConnected));
  return most;
}

function acquire(pool: WebhookConnections, origin: string): Promise<WebhookConnection | NoConnection> {
  return new Promise((resolve) => pool.acquire(origin, resolve));
}

function opened(connection: WebhookConnection | NoConnection): WebhookConnection {
  if (typeof connection === 'string') {
    throw new Error(`no connection: ${connection}`);
  }
  return connection;
}

async function use(acquired: WebhookConnection | NoConnection, timeoutMs = 10_000): Promise<AttemptResult> {
  const connection = opened(acquired);
  const request = { path: '/', headers: {}, body: 'x', timeoutMs };
  const result = await sendWebhookRequest(connection.client, request, systemClock);
  connection.release();
  return result;
}

async function post(pool: WebhookConnections, origin: string): Promise<AttemptResult> {
  return await use(await acquire(pool, origin));
}

test('at most 10 connections to an origin and 100 in all, with 15 origins and 450 webhooks at once', async () => {
  const held: ServerResponse[] = [];
  let isHolding = true;
  const receivers = await Promise.all(
    Array.from({ length: 15 }, () =>
      startScriptedReceiver((response) => {
        if (isHolding) {
          held.push(response);
        } else {
          response.end();
        }
      }),
    ),
  );
  const pool = openPool(10, 100);
  const most = watchSockets();
  const posts = receivers.flatMap(({ origin }) => Array.from({ length: 30 }, () => post(pool, origin)));

  await expect.poll(() => held.length).toBe(100);
  expect(receivers.reduce((sum, receiver) => sum + receiver.connections(), 0)).toBe(100);
  expect(Math.max(...receivers.map((receiver) => receiver.connections()))).toBe(10);
  expect(pool.stats()).toEqual({ busy: 100, idle: 0, waiting: 350 });

  isHolding = false;
  for (const response of held) {
    response.end();
  }
  const results = await Promise.all(posts);
  expect(results.filter((result) => result.outcome === 'delivered')).toHaveLength(450);
  expect(receivers.map((receiver) => receiver.requests.length)).toEqual(receivers.map(() => 30));
  expect(most).toEqual({ total: 100, perOrigin: 10 });
  const { busy, idle, waiting } = pool.stats();
  expect({ busy, waiting }).toEqual({ busy: 0, waiting: 0 });
  expect(idle).toBeLessThanOrEqual(100);
  await expect.poll(() => receivers.reduce((sum, receiver) => sum + receiver.connections(), 0)).toBe(idle);
});

test('a connection is kept and used again', async () => {
  const receiver = await startScriptedReceiver((response) => response.end('ok'));
  const pool = openPool(10, 100);
  for (let i = 0; i < 30; i += 1) {
    expect((await post(pool, receiver.origin)).outcome).toBe('delivered');
  }
  expect(receiver.connectionsEver()).toBe(1);
  expect(pool.stats()).toEqual({ busy: 0, idle: 1, waiting: 0 });
});

test('idle connections count: at the limit the longest idle one makes room', async () => {
  const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => startScriptedReceiver((r) => r.end())));
  const pool = openPool(10, 3);
  for (const receiver of [a, b, c, a]) {
    await post(pool, receiver?.origin ?? '');
  }
  expect(pool.stats().idle).toBe(3);
  await post(pool, d?.origin ?? '');
  expect(pool.stats()).toEqual({ busy: 0, idle: 3, waiting: 0 });
  await expect.poll(() => b?.connections()).toBe(0); // a was used after b
  expect([a, c, d].map((receiver) => receiver?.connections())).toEqual([1, 1, 1]);
});

test('origins that wait take turns, however many wait for one of them', async () => {
  const served: string[] = [];
  const receivers = await Promise.all([1, 2, 3].map(() => startScriptedReceiver((r) => r.end())));
  const [a = '', b = '', c = ''] = receivers.map((receiver) => receiver.origin);
  const pool = openPool(1, 1);
  const first = opened(await acquire(pool, a));
  const waiting = [a, a, a, b, c, b].map(async (origin) => {
    const connection = await acquire(pool, origin);
    served.push(origin);
    await use(connection);
  });
  expect(pool.stats()).toEqual({ busy: 1, idle: 0, waiting: 6 });
  first.release();
  await Promise.all(waiting);
  expect(served).toEqual([a, b, c, a, b, a]);
});

test('the reserved connections are for origins that have none', async () => {
  const [a = '', b = '', c = ''] = await Promise.all([1, 2, 3].map(() => unusedOrigin()));
  const pool = openPoolWith({ maxPerOrigin: 10, maxTotal: 5, reservedForNew: 2 });
  const greedy = [a, a, a, a, a].map((origin) => acquire(pool, origin));
  expect(pool.stats()).toEqual({ busy: 3, idle: 0, waiting: 2 });
  const others = [b, b, c].map((origin) => acquire(pool, origin));
  expect(pool.stats()).toEqual({ busy: 5, idle: 0, waiting: 3 });
  await Promise.all([...greedy, ...others].map(async (connection) => opened(await connection).release()));
  expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
});

test('a reserved connection that is idle is not closed for an origin that has one', async () => {
  const quick = await startScriptedReceiver((response) => response.end());
  const slow = await unusedOrigin();
  const pool = openPoolWith({ maxPerOrigin: 10, maxTotal: 3, reservedForNew: 1 });
  const held = [slow, slow, slow].map((origin) => acquire(pool, origin));
  expect((await post(pool, quick.origin)).outcome).toBe('delivered');
  expect(pool.stats()).toEqual({ busy: 2, idle: 1, waiting: 1 });
  expect((await post(pool, quick.origin)).outcome).toBe('delivered');
  expect(quick.connectionsEver()).toBe(1);
  await Promise.all(held.map(async (connection) => opened(await connection).release()));
});

test.each(['keep', 'close'])(
  'an origin that had one connection among a crowd has its share when the crowd is over, whose connections %s',
  async (connection) => {
    const crowd: ServerResponse[] = [];
    const held: ServerResponse[] = [];
    const others = await startScriptedReceiver((response) => crowd.push(response));
    const crowded = await startScriptedReceiver((response) => held.push(response));
    const pool = openPoolWith({ maxPerOrigin: 10, maxTotal: 10, reservedForNew: 2 });
    const otherPosts = Array.from({ length: 8 }, () => post(pool, others.origin));
    await expect.poll(() => crowd.length).toBe(8);
    const posts = Array.from({ length: 20 }, () => post(pool, crowded.origin));
    await expect.poll(() => held.length).toBe(1);
    expect(pool.stats()).toEqual({ busy: 9, idle: 0, waiting: 19 });

    for (const response of crowd) {
      response.shouldKeepAlive = connection === 'keep';
      response.end();
    }
    // All but the reserved ones, while its first request is still unanswered.
    await expect.poll(() => held.length).toBe(8);
    for (let answered = 0; answered < 20; answered += 1) {
      await expect.poll(() => held.length).toBeGreaterThan(answered);
      held[answered]?.end();
    }
    await Promise.all([...otherPosts, ...posts]);
    expect(crowded.connectionsEver()).toBe(8);
  },
);

test('an origin at its own limit does not hold up the others', async () => {
  const held: ServerResponse[] = [];
  const slow = await startScriptedReceiver((response) => held.push(response));
  const quick = await startScriptedReceiver((response) => response.end());
  const pool = openPool(2, 100);
  const slowPosts = Array.from({ length: 6 }, () => post(pool, slow.origin));
  await expect.poll(() => held.length).toBe(2);
  for (let i = 0; i < 10; i += 1) {
    expect((await post(pool, quick.origin)).outcome).toBe('delivered');
  }
  expect(held).toHaveLength(2);
  for (let answered = 0; answered < 6; answered += 1) {
    await expect.poll(() => held.length).toBeGreaterThan(answered);
    held[answered]?.end();
  }
  await Promise.all(slowPosts);
});

describe('a connection that is lost', () => {
  test('idle, closed by the receiver: is forgotten, and the next request opens another', async () => {
    const sockets: Socket[] = [];
    const receiver = await startScriptedReceiver((response, _nth, socket) => {
      sockets.push(socket);
      response.end();
    });
    const pool = openPool(10, 100);
    await post(pool, receiver.origin);
    sockets[0]?.end();
    await expect.poll(() => pool.stats().idle).toBe(0);
    expect((await post(pool, receiver.origin)).outcome).toBe('delivered');
    expect(receiver.connectionsEver()).toBe(2);
  });

  test.each([
    {
      how: 'reset during the request',
      script: (_r: ServerResponse, socket: Socket) => socket.resetAndDestroy(),
    },
    { how: 'ended without an answer', script: (_r: ServerResponse, socket: Socket) => socket.destroy() },
    {
      how: 'closed after the answer, as announced',
      script: (response: ServerResponse) => {
        response.shouldKeepAlive = false;
        response.end();
      },
    },
  ])('$how: gives its place to those who wait', async ({ script }) => {
    const receiver = await startScriptedReceiver((response, _nth, socket) => void script(response, socket));
    const pool = openPool(2, 2);
    const results = await Promise.all(Array.from({ length: 20 }, () => post(pool, receiver.origin)));
    expect(results).toHaveLength(20);
    expect(receiver.requests).toHaveLength(20);
    expect(receiver.connectionsEver()).toBe(20);
    expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
  });

  test('never made, because nobody listens: gives its place to those who wait', async () => {
    const origin = await unusedOrigin();
    const pool = openPool(2, 2);
    const results = await Promise.all(Array.from({ length: 20 }, () => post(pool, origin)));
    expect(
      results.every((result) => result.outcome === 'failed' && result.failure.reason === 'connection'),
    ).toBe(true);
    expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
  });
});

test('when time runs out while it is being set up it keeps its place until its socket is gone', async () => {
  const open = new Set<Socket>();
  let most = 0;
  // Takes connections and never says a word of TLS.
  const server = createServer((socket) => {
    open.add(socket);
    most = Math.max(most, open.size);
    socket
      .on('error', () => undefined)
      .on('close', () => open.delete(socket))
      .resume();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    open.forEach((socket) => socket.destroy());
  });
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = openPoolWith({ maxPerOrigin: 2, maxTotal: 2, connect: openConnector({}, undefined, 50) });
  const results = await Promise.all(
    Array.from({ length: 6 }, async () => await use(await acquire(pool, origin), 50)),
  );
  expect(results).toEqual(
    results.map(() => ({
      outcome: 'failed',
      failure: { reason: 'timeout', retryable: true },
      detail: 'no complete answer within 50 ms',
    })),
  );
  // The receiver hears of an end a moment after the next has begun.
  expect(most).toBeLessThanOrEqual(4);
  expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
});

test('an idle connection is closed in time, whatever the receiver proposes', async () => {
  const receiver = await startScriptedReceiver((response) =>
    response.writeHead(200, { 'keep-alive': 'timeout=600' }).end(),
  );
  const pool = openPoolWith({ idleTimeoutMs: 10 });
  expect((await post(pool, receiver.origin)).outcome).toBe('delivered');
  // undici looks at its timers about once a second.
  await expect.poll(() => receiver.connections(), { timeout: 20_000 }).toBe(0);
  expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
});

test('given back unused it is no connection and takes no place', async () => {
  const pool = openPool(1, 1);
  const origin = await unusedOrigin();
  opened(await acquire(pool, origin)).release();
  expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
});

test('under every mix of outcomes all are served within the limits and nothing is left behind', async () => {
  const random = createSeededRandom(7);
  const outcomes: readonly ((response: ServerResponse, socket: Socket) => unknown)[] = [
    (response) => response.end('ok'),
    (response) => response.end('ok'),
    (response) => setImmediate(() => response.end('later')),
    (response) => response.writeHead(503).end('x'.repeat(50_000)),
    (response) => response.writeHead(200, { connection: 'close' }).end(),
    (_response, socket) => socket.destroy(),
    (_response, socket) => socket.resetAndDestroy(),
    (response, socket) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => socket.destroy());
    },
    (response, socket) => response.end('then gone', () => socket.end()),
  ];
  const receivers = await Promise.all(
    Array.from({ length: 8 }, () =>
      startScriptedReceiver((response, _nth, socket) => {
        outcomes[Math.floor(random() * outcomes.length)]?.(response, socket);
      }),
    ),
  );
  const origins = [...receivers.map((receiver) => receiver.origin), await unusedOrigin()];
  const pool = openPool(3, 7);
  const most = watchSockets();
  let worst = 0;
  const results = await Promise.all(
    Array.from({ length: 900 }, async () => {
      const origin = origins[Math.floor(random() * origins.length)] ?? '';
      const connection = await acquire(pool, origin);
      worst = Math.max(worst, pool.stats().busy + pool.stats().idle);
      return await use(connection);
    }),
  );
  expect(results).toHaveLength(900);
  expect(worst).toBeLessThanOrEqual(7);
  expect(most.total).toBeLessThanOrEqual(7);
  expect(most.perOrigin).toBeLessThanOrEqual(3);
  expect(pool.stats()).toMatchObject({ busy: 0, waiting: 0 });
  await pool.destroy();
  await expect.poll(() => receivers.reduce((sum, receiver) => sum + receiver.connections(), 0)).toBe(0);
});

test('destroyed, it ends what is under way, sends nothing more and tells all who wait', async () => {
  const receiver = await startScriptedReceiver(() => undefined); // never answers
  const pool = openPool(2, 2);
  const posts = Array.from({ length: 2 }, () => post(pool, receiver.origin));
  await expect.poll(() => receiver.requests.length).toBe(2);
  const waiting = Array.from({ length: 5 }, () => acquire(pool, receiver.origin));
  await pool.destroy();
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'closed'));
  expect(await acquire(pool, receiver.origin)).toBe('closed');
  for (const result of await Promise.all(posts)) {
    expect(result).toMatchObject({ outcome: 'failed', failure: { reason: 'connection' } });
  }
  await expect.poll(() => receiver.connections()).toBe(0);
  expect(receiver.requests).toHaveLength(2);
  expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
});

describe('the line of those who wait', () => {
  test('has room for so many per origin and so many in all', async () => {
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => unusedOrigin()));
    const pool = openPoolWith({ maxPerOrigin: 1, maxTotal: 1, maxWaiting: 3, maxWaitingPerOrigin: 2 });
    const first = opened(await acquire(pool, a ?? ''));
    const waiting = [a, a, b].map((origin) => acquire(pool, origin ?? ''));
    expect(await acquire(pool, a ?? '')).toBe('full');
    expect(await acquire(pool, c ?? '')).toBe('full');
    expect(pool.stats()).toMatchObject({ busy: 1, waiting: 3 });
    first.release();
    await Promise.all(waiting.map(async (connection) => opened(await connection).release()));
    expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
  });

  test('is sent away for one origin and stays for the others', async () => {
    const [a = '', b = ''] = await Promise.all([1, 2].map(() => unusedOrigin()));
    const pool = openPool(1, 1);
    const first = opened(await acquire(pool, a));
    const [a1, a2, b1] = [a, a, b].map((origin) => acquire(pool, origin));
    pool.dismiss(a);
    pool.dismiss('http://127.0.0.1:1');
    expect(await Promise.all([a1, a2])).toEqual(['dismissed', 'dismissed']);
    expect(pool.stats()).toMatchObject({ busy: 1, waiting: 1 });
    first.release();
    opened((await b1) ?? 'closed').release();
    expect(pool.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
  });
});

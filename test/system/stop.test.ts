import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import type { State } from '../../src/state/state.ts';
import { launchService } from '../support/start-service.ts';

const refuse = (what: string) => () => Promise.reject(new Error(`${what} cannot end`));

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Each breaks one step, in the order of the stop. */
const broken: readonly [string, (state: State) => State][] = [
  ['count', (state) => ({ ...state, payments: { ...state.payments, count: refuse('count') } })],
  ['settlements', (state) => ({ ...state, payments: { ...state.payments, drain: refuse('settlements') } })],
  ['queue', (state) => ({ ...state, webhookQueue: { ...state.webhookQueue, drain: refuse('queue') } })],
  ['state', (state) => ({ ...state, close: refuse('state') })],
];

test.each(broken)('a stop whose %s fails still closes all that comes after', async (what, wrapState) => {
  let closed = 0;
  const service = await launchService(
    { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '100' },
    {
      wrapState(state) {
        const wrapped = wrapState(state);
        return {
          ...wrapped,
          close: async () => {
            closed += 1;
            await state.close();
            await wrapped.close();
          },
        };
      },
    },
  );
  const stopped = service.app.stop();
  if (what === 'count') {
    await stopped;
  } else {
    await expect(stopped).rejects.toThrow(`${what} cannot end`);
  }
  expect(closed).toBe(1);
  expect(await Promise.all([isOpen(service.apiPort), isOpen(service.opsPort)])).toEqual([false, false]);
});

test('a channel whose end fails does not keep the stop from waiting for the other', async () => {
  const ended: string[] = [];
  const otherEnds = Promise.withResolvers<void>();
  const service = await launchService(
    {
      EVENTBRIDGE: 'auto',
      AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:9',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    {
      wrapChannel: (name, channel) =>
        name === 'webhook'
          ? { ...channel, drain: refuse('webhook') }
          : {
              ...channel,
              async drain(withinMs) {
                await channel.drain(withinMs);
                await otherEnds.promise;
                ended.push(name);
              },
            },
      wrapState: (state) => ({
        ...state,
        async close() {
          await state.close();
          ended.push('state');
        },
      }),
    },
  );
  const stopped = service.app.stop();
  stopped.catch(() => undefined);
  await expect.poll(() => service.logs('Stopping')).toHaveLength(1);
  await expect.poll(() => isOpen(service.apiPort)).toBe(false);
  otherEnds.resolve();
  await expect(stopped).rejects.toThrow('webhook cannot end');
  expect(ended).toEqual(['eventbridge', 'state']);
});

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('a request to the ops port that is never finished does not hold up the stop', async () => {
  const service = await launchService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' });
  const socket = await openSocket(service.opsPort);
  const closed = once(socket, 'close');
  socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n');
  // A whole request on another connection: by then the first has arrived.
  await fetch(`${service.opsUrl}/livez`);
  await service.app.stop();
  socket.resume();
  await closed;
  expect(service.logs('Stopped')).toHaveLength(1);
}, 8_000);

import { describe, expect, onTestFinished, test } from 'vitest';
import type { EgressPolicyOptions } from '../../src/delivery/webhook/egress-policy.ts';
import type { ResolvedAddress } from '../../src/delivery/webhook/connector.ts';
import { startScriptedReceiver } from '../delivery/scripted-receiver.ts';
import {
  deliveredLine,
  givenUpLine,
  retryLine,
  startWebhookSender,
} from '../delivery/start-webhook-sender.ts';

/** A resolver that gives one answer after the other, and the last one from then on. */
function resolver(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve = async (hostname: string): Promise<readonly ResolvedAddress[]> => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    return answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return { resolve, asked };
}

/**
 * A receiver on loopback, and a sender for which loopback is as forbidden as the metadata service: if
 * it connected, the receiver would see it.
 */
async function startTrap(answers: readonly (readonly string[])[], policy: Partial<EgressPolicyOptions> = {}) {
  const receiver = await startScriptedReceiver((response) => response.end());
  const { resolve, asked } = resolver(...answers);
  const sender = startWebhookSender({ resolve, policy: { allowLoopback: false, ...policy } });
  const { port } = new URL(receiver.origin);
  return { ...sender, receiver, asked, urlOf: (host: string) => `http://${host}:${port}/hooks` };
}

async function expectRefusal(trap: Awaited<ReturnType<typeof startTrap>>, host: string): Promise<string> {
  trap.send(trap.urlOf(host));
  await expect.poll(() => trap.logs(givenUpLine)).toHaveLength(1);
  const [line] = trap.logs(givenUpLine);
  expect(line).toMatchObject({ reason: 'refused', attempts: 1 });
  expect(await trap.count('webhook_attempts_total', 'egress_refused')).toBe(1);
  expect(await trap.count('webhook_deliveries_total', 'dead_letter_refused')).toBe(1);
  await trap.clock.advance(600_000);
  expect(trap.logs(retryLine)).toEqual([]);
  expect(trap.logs(givenUpLine)).toHaveLength(1);
  expect(trap.receiver.connectionsEver()).toBe(0);
  expect(trap.circuits.openCount()).toBe(0);
  return String(line?.['error']);
}

describe('no connection is made, and nothing is tried again', () => {
  test.each([
    { what: 'a forbidden address', answer: ['127.0.0.1'], told: '127.0.0.1' },
    { what: 'the metadata service', answer: ['169.254.169.254'], told: '169.254.169.254' },
    { what: 'it behind an IPv4-mapped address', answer: ['::ffff:169.254.169.254'], told: '169.254.169.254' },
    { what: 'it behind NAT64', answer: ['64:ff9b::a9fe:a9fe'], told: '169.254.169.254' },
    { what: 'it behind 6to4', answer: ['2002:a9fe:a9fe::1'], told: '169.254.169.254' },
    { what: 'loopback behind an IPv4-mapped address', answer: ['::ffff:127.0.0.1'], told: '127.0.0.1' },
    { what: 'a good and a forbidden one', answer: ['192.168.1.1', '127.0.0.1'], told: '127.0.0.1' },
    { what: 'a forbidden and a good one', answer: ['::1', '10.0.0.1'], told: '::1' },
  ])('when the name resolves to $what', async ({ answer, told }) => {
    const error = await expectRefusal(await startTrap([answer]), 'hooks.example.com');
    expect(error).toContain(told);
    expect(error).toContain('hooks.example.com');
  });

  test.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '[::ffff:127.0.0.1]',
    '[::1]',
    'localhost',
  ])('when the address is literally %s, whatever was checked before', async (host) => {
    const trap = await startTrap([['10.0.0.1']]);
    await expectRefusal(trap, host);
    expect(trap.asked).toEqual([]);
  });

  test('when the network is blocked', async () => {
    const trap = await startTrap([['127.0.0.1']], { allowLoopback: true, blockedCidrs: ['127.0.0.0/8'] });
    expect(await expectRefusal(trap, 'hooks.example.com')).toContain('WEBHOOK_BLOCKED_CIDRS');
  });

  test('when the host is not among those that are allowed', async () => {
    const trap = await startTrap([['127.0.0.1']], {
      allowLoopback: true,
      allowedHosts: ['other.example.com'],
    });
    expect(await expectRefusal(trap, 'hooks.example.com')).toContain('WEBHOOK_ALLOWED_HOSTS');
    expect(trap.asked).toEqual([]);
  });
});

describe('a name that changes its address', () => {
  test('is decided on at every connection', async () => {
    // The first answer is allowed and reaches the receiver, which closes the connection; the second is not.
    const { resolve, asked } = resolver(['127.0.0.1'], ['169.254.169.254']);
    const receiver = await startScriptedReceiver((response) =>
      response.writeHead(503, { connection: 'close' }).end(),
    );
    const { send, logs, clock } = startWebhookSender({ resolve });
    send(`http://rebind.example.com:${new URL(receiver.origin).port}/`);
    await expect.poll(() => logs(retryLine)).toHaveLength(1);
    await clock.advance(1_000);
    await expect.poll(() => logs(givenUpLine)).toHaveLength(1);
    expect(logs(givenUpLine)[0]).toMatchObject({ reason: 'refused', attempts: 2 });
    expect(asked).toHaveLength(2);
    expect(receiver.connectionsEver()).toBe(1);
  });

  test('is connected to where it was checked, not resolved again in between', async () => {
    const { resolve, asked } = resolver(['127.0.0.1'], ['169.254.169.254']);
    const receiver = await startScriptedReceiver((response) => response.end());
    const { send, logs } = startWebhookSender({ resolve });
    send(`http://hooks.example.com:${new URL(receiver.origin).port}/`);
    await expect.poll(() => logs(deliveredLine)).toHaveLength(1);
    expect(asked).toEqual(['hooks.example.com']);
    expect(receiver.requests[0]?.request.headers.host).toMatch(/^hooks\.example\.com:/);
  });
});

test('one name is resolved once at a time, however many connections wait for it', async () => {
  const gate = Promise.withResolvers<readonly ResolvedAddress[]>();
  let asked = 0;
  const receiver = await startScriptedReceiver((response) => response.end());
  const { send, logs } = startWebhookSender({
    resolve: () => {
      asked += 1;
      return gate.promise;
    },
  });
  onTestFinished(() => gate.resolve([]));
  for (let i = 0; i < 10; i += 1) {
    send(`http://slow.example.com:${new URL(receiver.origin).port}/`, String(i));
  }
  await expect.poll(() => asked).toBe(1);
  gate.resolve([{ address: '127.0.0.1', family: 4 }]);
  await expect.poll(() => logs(deliveredLine)).toHaveLength(10);
  expect(asked).toBe(1);
});

test.each([
  { what: 'no address', resolve: async () => [] },
  {
    what: 'an error',
    resolve: () => Promise.reject(Object.assign(new Error('try again'), { code: 'EAI_AGAIN' })),
  },
])('a name that resolves to $what may fare better later', async ({ resolve }) => {
  const { send, logs } = startWebhookSender({ resolve });
  send('http://hooks.example.com/');
  await expect.poll(() => logs(retryLine)).toHaveLength(1);
});

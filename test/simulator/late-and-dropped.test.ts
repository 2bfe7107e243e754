import { connect } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { sendHttp2, sendRaw } from '../support/clients/raw-http.ts';
import { type Wire, wires } from '../support/clients/wires.ts';
import { startSteered, failing, inSession, intent, type SteeredService } from '../support/steering.ts';

/* Answers that are late, and calls that get none. */

const drop = { 'payment-sim-behavior': '{"api": {"drop_connection": true}}' };
const dropAfter = {
  'payment-sim-behavior': '{"api": {"drop_connection": true, "when": "SIMULATED_ERROR_TIME_AFTER"}}',
};

function createOver(wire: Wire, headers: Readonly<Record<string, string>>) {
  const json = wire.contentType === 'application/json';
  const message = json
    ? Buffer.from(JSON.stringify(intent()))
    : encodeRequest('CreatePaymentIntent', intent());
  return {
    path: `${servicePath}/CreatePaymentIntent`,
    headers: { 'content-type': wire.contentType, ...headers },
    body: wire.envelope(message),
  };
}

/** As a page sends it, and compressed: both ways the lane leaves the call to Connect. */
function leftToConnect(wire: Wire): readonly ReturnType<typeof createOver>[] {
  const json = wire.contentType === 'application/json';
  const message = json
    ? Buffer.from(JSON.stringify(intent()))
    : encodeRequest('CreatePaymentIntent', intent());
  return [
    createOver(wire, { ...drop, origin: 'https://shop.example' }),
    {
      ...createOver(wire, { ...drop, [wire.encodingHeader]: 'gzip' }),
      body: wire.envelope(gzipSync(message), { compressed: true }),
    },
  ];
}

/** What tells a fault from a defect: one line, one count, and nothing of level error. */
async function expectDrops(sim: SteeredService, count: number): Promise<void> {
  const lines = sim.logs('Simulated fault');
  expect(lines).toHaveLength(count);
  for (const line of lines) {
    expect(line).toMatchObject({
      level: 'info',
      fault: 'drop',
      grpc_method: 'CreatePaymentIntent',
      request_id: expect.any(String) as string,
    });
  }
  expect(sim.logs().filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([]);
  expect(sim.logs('Call refused')).toEqual([]);
  const metric = 'payment_simulated_faults_total{grpc_method="CreatePaymentIntent",fault="drop"}';
  expect(await sim.metric(metric)).toBe(count);
}

describe.each([
  { handlers: 'the fast lane', unaryLane: true },
  { handlers: 'the stock handlers', unaryLane: false },
])('$handlers', ({ unaryLane }) => {
  test.each(wires.filter(({ httpVersion }) => httpVersion === '2'))(
    '$name: a dropped call resets its stream, and its connection goes on',
    async (wire) => {
      const sim = await startSteered({}, { unaryLane });
      const session = connect(sim.apiUrl);
      onTestFinished(() => session.destroy());
      await expect(sendHttp2(session, createOver(wire, drop))).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
      expect(await sim.list()).toEqual([]);
      expect(wire.readStatus(await sendHttp2(session, createOver(wire, {}))).code).toBe('OK');
      await expect(sendHttp2(session, createOver(wire, dropAfter))).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
      expect(await sim.list()).toHaveLength(2);
      expect([session.destroyed, session.closed]).toEqual([false, false]);
      await expectDrops(sim, 2);
    },
  );

  test.each(wires.filter(({ httpVersion }) => httpVersion === '1.1'))(
    '$name: a dropped call closes its connection, without a byte',
    async (wire) => {
      const sim = await startSteered({}, { unaryLane });
      for (const [headers, made] of [
        [drop, 0],
        [dropAfter, 1],
      ] as const) {
        const { path, headers: all, body } = createOver(wire, headers);
        const connection = await openRawConnection(sim.apiPort);
        const lines = Object.entries({ ...all, host: 'sim', 'content-length': String(body.length) });
        connection.send(
          `POST ${path} HTTP/1.1\r\n${lines.map((line) => line.join(': ')).join('\r\n')}\r\n\r\n`,
        );
        connection.send(body);
        await connection.closed();
        expect(connection.received().toString()).toBe('');
        expect(await sim.list()).toHaveLength(made);
      }
      await expectDrops(sim, 2);
    },
  );

  test.each(wires)('$name: a delay goes by the machine’s clock, before anything is done', async (wire) => {
    const sim = await startSteered({ DEFAULT_DELAY_MS: '86400000' }, { unaryLane });
    const timers = sim.clock.timerCount();
    const headers = { 'payment-sim-behavior': '{"api": {"delay_ms": 60000}}' };
    let answered = false;
    const answer = sendRaw(sim.apiUrl, wire.httpVersion, createOver(wire, headers)).then((response) => {
      answered = true;
      return wire.readStatus(response);
    });
    await expect.poll(() => sim.clock.timerCount()).toBe(timers + 1);
    await sim.clock.advance(59_999);
    expect(await sim.list()).toEqual([]);
    expect(answered).toBe(false);
    await sim.clock.advance(1);
    expect(await answer).toEqual({ code: 'OK', message: '' });
    expect(await sim.list()).toHaveLength(1);
    expect(sim.logs('Simulated fault')).toMatchObject([{ level: 'info', fault: 'delay', delay_ms: 60_000 }]);
    const metric = 'payment_simulated_faults_total{grpc_method="CreatePaymentIntent",fault="delay"}';
    expect(await sim.metric(metric)).toBe(1);
  });

  test('who goes away while it waits has made nothing, and leaves no timer', async () => {
    const sim = await startSteered({}, { unaryLane });
    const timers = sim.clock.timerCount();
    const connection = await openRawConnection(sim.apiPort);
    const body = JSON.stringify(intent());
    const head = `POST ${servicePath}/CreatePaymentIntent HTTP/1.1\r\nhost: sim\r\ncontent-length: ${body.length}`;
    const headers = 'content-type: application/json\r\npayment-sim-behavior: {"api": {"delay_ms": 60000}}';
    connection.send(`${head}\r\n${headers}\r\n\r\n${body}`);
    await expect.poll(() => sim.clock.timerCount()).toBe(timers + 1);
    connection.socket.resetAndDestroy();
    await expect.poll(() => sim.clock.timerCount()).toBe(timers);
    await sim.clock.advance(60_000);
    expect(await sim.list()).toEqual([]);
    expect(sim.logs('Call failed')).toEqual([]);
  });

  test('a deadline that passes while it waits is told as one, and nothing was made', async () => {
    const sim = await startSteered({}, { unaryLane });
    const timers = sim.clock.timerCount();
    const headers = { 'payment-sim-behavior': '{"api": {"delay_ms": 60000}}', 'connect-timeout-ms': '30' };
    const answer = await sim.call('CreatePaymentIntent', intent(), headers);
    expect(answer.code).toBe('DEADLINE_EXCEEDED');
    expect(sim.clock.timerCount()).toBe(timers);
    expect(await sim.list()).toEqual([]);
    expect(sim.logs('Call failed')).toEqual([]);
  });

  test('an error is one line and one count, with session and rule', async () => {
    const sim = await startSteered({}, { unaryLane });
    const id = await sim.create({}, 'session-1');
    const ruleId = await sim.rule(failing('Get*', { code: 'DATA_LOSS' }, { times: 1 }), 'session-1');
    const answer = await sim.call(
      'GetPaymentStatus',
      { payment_intent_id: id },
      { 'x-request-id': 'request-1', ...inSession('another') },
    );
    expect(answer).toMatchObject({
      code: 'DATA_LOSS',
      rule: ruleId,
      text: 'simulated error of GetPaymentStatus',
    });
    expect(sim.logs('Simulated fault')).toMatchObject([
      {
        level: 'info',
        fault: 'error',
        when: 'BEFORE',
        grpc_method: 'GetPaymentStatus',
        grpc_code: 'DataLoss',
        session_id: 'session-1',
        rule_id: ruleId,
        request_id: 'request-1',
      },
    ]);
    expect([...sim.logs('Call failed'), ...sim.logs('Call refused')]).toEqual([]);
    const metric = 'payment_simulated_faults_total{grpc_method="GetPaymentStatus",fault="error"}';
    expect(await sim.metric(metric)).toBe(1);
  });
});

test.each(wires)('$name: a call that the lane leaves to Connect is dropped as well', async (wire) => {
  const sim = await startSteered();
  for (const request of leftToConnect(wire)) {
    await expect(sendRaw(sim.apiUrl, wire.httpVersion, request)).rejects.toThrow(
      wire.httpVersion === '2' ? 'NGHTTP2_INTERNAL_ERROR' : 'socket hang up',
    );
  }
  expect(await sim.list()).toEqual([]);
  await expectDrops(sim, 2);
});

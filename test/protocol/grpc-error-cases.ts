import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import {
  type GrpcErrorCase,
  type GrpcErrorClient,
  runGrpcClient,
} from '../support/clients/grpc-errors/grpc-error-clients.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { startService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';

/** A call, and what every client must report of it. */
interface ErrorRow extends Omit<GrpcErrorCase, 'messages' | 'deadlineMs' | 'kind'> {
  readonly kind?: GrpcErrorCase['kind'];
  readonly messages: readonly Buffer[];
  readonly deadlineMs?: number;
  readonly code: keyof typeof status;
  /** Undefined where the words are the client's own. */
  readonly message: string | RegExp | undefined;
}

const create = `${servicePath}/CreatePaymentIntent`;
const get = `${servicePath}/GetPaymentStatus`;
const check = '/grpc.health.v1.Health/Check';
const watch = '/grpc.health.v1.Health/Watch';
const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

const proper = encodeRequest('CreatePaymentIntent', validCreate());
const empty = Buffer.alloc(0);
const noise = Buffer.alloc(20, 0xff);

/** A HealthCheckRequest: its one field is a text, number 1. */
function healthOf(name: string): Buffer {
  const text = Buffer.from(name);
  const length = text.length < 128 ? [text.length] : [(text.length & 0x7f) | 0x80, text.length >> 7];
  return Buffer.concat([Buffer.from([0x0a, ...length]), text]);
}

const noProtobuf = (type: string) =>
  `the request is not a message ${type} in protobuf's binary encoding; encode it with this service's contract`;
const violations =
  'reservation_id: is required; user_id: is required; amount: is required: {"amount": "1000", "currency": "KRW"}';

const rows: readonly ErrorRow[] = [
  { name: 'answered', path: create, messages: [proper], code: 'OK', message: '' },
  {
    name: 'refused in the lane',
    path: create,
    messages: [empty],
    code: 'INVALID_ARGUMENT',
    message: violations,
  },
  {
    name: 'refused by the stock handler',
    path: create,
    messages: [empty],
    compression: 'gzip',
    code: 'INVALID_ARGUMENT',
    message: violations,
  },
  {
    name: 'sent with gzip',
    path: create,
    messages: [proper],
    compression: 'gzip',
    code: 'OK',
    message: '',
  },
  {
    name: 'no such payment',
    path: get,
    messages: [encodeRequest('GetPaymentStatus', { payment_intent_id: 'pay?a=b&c' })],
    code: 'NOT_FOUND',
    message: 'payment pay?a=b&c not found',
  },
  {
    name: 'unknown method',
    path: `${servicePath}/Refund`,
    messages: [proper],
    code: 'UNIMPLEMENTED',
    message: `POST ${servicePath}/Refund is not implemented here`,
  },
  {
    name: 'unknown method, sent with gzip',
    path: `${servicePath}/Refund`,
    messages: [proper],
    compression: 'gzip',
    code: 'UNIMPLEMENTED',
    message: `POST ${servicePath}/Refund is not implemented here`,
  },
  {
    name: 'unknown service',
    path: '/payment.v2.PaymentService/CreatePaymentIntent',
    messages: [proper],
    code: 'UNIMPLEMENTED',
    message: 'POST /payment.v2.PaymentService/CreatePaymentIntent is not implemented here',
  },
  {
    name: 'unknown method that streams',
    path: '/a.B/Stream',
    kind: 'bidi_stream',
    messages: [proper, proper],
    code: 'UNIMPLEMENTED',
    message: 'POST /a.B/Stream is not implemented here',
  },
  {
    name: 'too large',
    path: create,
    messages: [Buffer.alloc(5_000)],
    code: 'RESOURCE_EXHAUSTED',
    message: /^message size.* is larger than configured readMaxBytes 1024$/,
  },
  {
    name: 'undecodable in the lane',
    path: create,
    messages: [noise],
    code: 'INVALID_ARGUMENT',
    message: noProtobuf('payment.v1.CreatePaymentIntentRequest'),
  },
  {
    name: 'undecodable, sent with gzip',
    path: create,
    messages: [noise],
    compression: 'gzip',
    code: 'INVALID_ARGUMENT',
    message: noProtobuf('payment.v1.CreatePaymentIntentRequest'),
  },
  {
    name: 'a compression that the service has not',
    path: create,
    // Long enough to be compressed by a client that leaves short messages as they are.
    messages: [proper],
    compression: 'deflate',
    code: 'UNIMPLEMENTED',
    message: 'unknown compression "deflate": supported encodings are gzip',
  },
  {
    name: 'two messages to a unary method',
    path: create,
    kind: 'client_stream',
    messages: [proper, proper],
    code: 'UNIMPLEMENTED',
    message: 'protocol error: received extra input message for unary method',
  },
  {
    name: 'no message to a unary method',
    path: create,
    kind: 'client_stream',
    messages: [],
    code: 'UNIMPLEMENTED',
    message: 'protocol error: missing input message for unary method',
  },
  {
    name: 'no message to a method that streams answers',
    path: watch,
    kind: 'bidi_stream',
    messages: [],
    code: 'UNIMPLEMENTED',
    message: 'protocol error: missing input message for server-streaming method',
  },
  {
    name: 'undecodable to a method that streams answers',
    path: watch,
    kind: 'server_stream',
    messages: [noise],
    code: 'INVALID_ARGUMENT',
    message: noProtobuf('grpc.health.v1.HealthCheckRequest'),
  },
  {
    name: 'undecodable to a method that streams both ways',
    path: reflection,
    kind: 'bidi_stream',
    messages: [noise],
    code: 'INVALID_ARGUMENT',
    message: noProtobuf('grpc.reflection.v1.ServerReflectionRequest'),
  },
  {
    name: 'an error after a message of a stream',
    path: reflection,
    kind: 'bidi_stream',
    messages: [Buffer.from([0x3a, 0x00]), noise],
    code: 'INVALID_ARGUMENT',
    message: noProtobuf('grpc.reflection.v1.ServerReflectionRequest'),
  },
  {
    name: 'a name in many letters',
    path: check,
    messages: [healthOf('100% 원 \u00e9 \u{1f3ab} a:b/c?d#e')],
    code: 'NOT_FOUND',
    message: 'unknown service "100% 원 \u00e9 \u{1f3ab} a:b/c?d#e"',
  },
  {
    name: 'a name that is cut',
    path: check,
    messages: [healthOf('한'.repeat(330))],
    code: 'NOT_FOUND',
    message: /^unknown service "한+"$/,
  },
  {
    name: 'a deadline that passes',
    path: watch,
    kind: 'server_stream',
    messages: [empty],
    deadlineMs: 300,
    code: 'DEADLINE_EXCEEDED',
    message: undefined,
  },
];

const patientMs = 20_000;

function callOf({ name, path, kind = 'unary', messages, compression, deadlineMs }: ErrorRow): GrpcErrorCase {
  return {
    name,
    path,
    kind,
    messages: messages.map((message) => message.toString('base64')),
    ...(compression !== undefined && { compression }),
    deadlineMs: deadlineMs ?? patientMs,
  };
}

/** Has a client make every call of the table and compares its report with what the table says. */
export async function expectErrorsAsInTable(client: GrpcErrorClient): Promise<void> {
  const { apiPort } = await startService({ READ_MAX_BYTES: '1024', SHUTDOWN_GRACE_MS: '0' });
  const ends = await runGrpcClient(client, { target: `127.0.0.1:${apiPort}`, cases: rows.map(callOf) });
  expect(ends).toEqual(
    rows.map(({ name, code, message }) => ({
      name,
      code: status[code],
      message:
        message instanceof RegExp || message === undefined ? expect.stringMatching(message ?? /./) : message,
    })),
  );
}

/** A stream that is open when the service stops ends with the service's words. */
export async function expectStopToBeTold(client: GrpcErrorClient): Promise<void> {
  const { app, apiPort } = await startService({ SHUTDOWN_GRACE_MS: '10000' });
  let stopped: Promise<void> | undefined;
  const row: ErrorRow = {
    name: 'stop',
    path: watch,
    kind: 'server_stream',
    messages: [empty],
    code: 'UNAVAILABLE',
    message: 'the service is stopping',
  };
  const ends = await runGrpcClient(client, { target: `127.0.0.1:${apiPort}`, cases: [callOf(row)] }, () => {
    stopped ??= app.stop();
  });
  await stopped;
  expect(ends).toEqual([{ name: row.name, code: status.UNAVAILABLE, message: row.message }]);
}

/** The tests of a client; skipped by name where it is missing, which in CI it must not be. */
export function testErrorsWith(
  name: string,
  missing: string | undefined,
  client: () => GrpcErrorClient,
): void {
  if (missing !== undefined) {
    if (process.env['CI'] === 'true') {
      throw new Error(missing);
    }
    console.warn(`Tests are skipped: ${missing}`);
  }
  test.skipIf(missing !== undefined)(`${name} reads every error as it is meant`, async () => {
    await expectErrorsAsInTable(client());
  });
  test.skipIf(missing !== undefined)(`${name} is told of a stop`, async () => {
    await expectStopToBeTold(client());
  });
}

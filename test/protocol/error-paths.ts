import { gzipSync } from 'node:zlib';
import type { GrpcCall } from '../support/clients/grpc-call.ts';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { validCreate } from './case-context.ts';

/** A way by which a gRPC error leaves the service without a message. */
export interface ErrorPath {
  readonly name: string;
  readonly call: GrpcCall;
  readonly status: number;
  /** The message that its reader must see. */
  readonly message: string | RegExp;
}

const create = `${servicePath}/CreatePaymentIntent`;
const get = `${servicePath}/GetPaymentStatus`;
const watch = '/grpc.health.v1.Health/Watch';
const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

const nothing = frame(Buffer.alloc(0), 0);
const noise = frame(Buffer.alloc(20, 0xff), 0);
const proper = encodeRequest('CreatePaymentIntent', validCreate());
const required = 'payment_intent_id: is required';
const undecodable = (type: string) =>
  `the request is not a message ${type} in protobuf's binary encoding; encode it with this service's contract`;

/** The service is to have `READ_MAX_BYTES=1024` and reflection. */
export const errorPaths: readonly ErrorPath[] = [
  { name: 'refused in the lane', call: { path: get, body: nothing }, status: 3, message: required },
  {
    name: 'undecodable in the lane',
    call: { path: create, body: noise },
    status: 3,
    message: undecodable('payment.v1.CreatePaymentIntentRequest'),
  },
  {
    name: 'refused, accepting gzip',
    call: { path: get, headers: { 'grpc-accept-encoding': 'gzip' }, body: nothing },
    status: 3,
    message: required,
  },
  {
    name: 'refused, sent with gzip',
    call: { path: get, headers: { 'grpc-encoding': 'gzip' }, body: frame(gzipSync(Buffer.alloc(0)), 1) },
    status: 3,
    message: required,
  },
  {
    name: 'refused as JSON',
    call: {
      path: get,
      headers: { 'content-type': 'application/grpc+json' },
      body: frame(Buffer.from('{}'), 0),
    },
    status: 3,
    message: required,
  },
  {
    name: 'refused for a page elsewhere',
    call: { path: get, headers: { origin: 'https://shop.example' }, body: nothing },
    status: 3,
    message: required,
  },
  {
    name: 'an unknown method',
    call: { path: `${servicePath}/Refund`, body: nothing },
    status: 12,
    message: `POST ${servicePath}/Refund is not implemented here`,
  },
  {
    name: 'an unknown service',
    call: { path: '/a.B/C', body: nothing },
    status: 12,
    message: 'POST /a.B/C is not implemented here',
  },
  {
    name: 'an address that cannot be read',
    call: { path: '/%zz', body: nothing },
    status: 12,
    message: 'POST /%zz is not implemented here',
  },
  {
    name: 'too large',
    call: { path: create, body: frame(Buffer.alloc(5_000), 0) },
    status: 8,
    message: /message size.* is larger than/,
  },
  {
    name: 'an unknown compression',
    call: { path: create, headers: { 'grpc-encoding': 'snappy' }, body: frame(proper, 1) },
    status: 12,
    message: 'unknown compression "snappy": supported encodings are gzip',
  },
  {
    name: 'a deadline that is none',
    call: { path: create, headers: { 'grpc-timeout': 'soon' }, body: frame(proper, 0) },
    status: 3,
    message: /timeout/,
  },
  {
    name: 'two messages to a unary method',
    call: { path: create, body: Buffer.concat([frame(proper, 0), frame(proper, 0)]) },
    status: 12,
    message: 'protocol error: received extra input message for unary method',
  },
  {
    name: 'no message to a unary method',
    call: { path: create, body: Buffer.alloc(0) },
    status: 12,
    message: 'protocol error: missing input message for unary method',
  },
  {
    name: 'no message to a method that streams answers',
    call: { path: watch, body: Buffer.alloc(0) },
    status: 12,
    message: 'protocol error: missing input message for server-streaming method',
  },
  {
    name: 'an undecodable message to a method that streams answers',
    call: { path: watch, body: noise },
    status: 3,
    message: undecodable('grpc.health.v1.HealthCheckRequest'),
  },
  {
    name: 'an undecodable message to a method that streams both ways',
    call: { path: reflection, body: noise },
    status: 3,
    message: undecodable('grpc.reflection.v1.ServerReflectionRequest'),
  },
  {
    name: 'an unknown name of the health service',
    call: { path: '/grpc.health.v1.Health/Check', body: frame(Buffer.from('\n\x05100%?'), 0) },
    status: 5,
    message: 'unknown service "100%?"',
  },
];

import { create } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from '@connectrpc/connect';
import {
  CreatePaymentIntentRequestSchema,
  CreatePaymentIntentResponseSchema,
} from '../../gen/payment/v1/payment_pb.js';
import { noteKey } from './lane-test-handlers.ts';

type Next = (request: UnaryRequest) => Promise<UnaryResponse>;
type Deed = (request: UnaryRequest, next: Next) => Promise<UnaryResponse>;

const replacedMessage = create(CreatePaymentIntentResponseSchema, { paymentIntentId: 'replaced' });

/** What an interceptor does, by name. */
export const deeds = {
  'reads all there is': async (request, next) => {
    const seen = [request.url, request.requestMethod, request.service.typeName, request.method.name];
    const response = await next(request);
    response.header.set('x-seen', [...seen, ...request.header.keys(), String(request.signal.aborted)].join());
    response.trailer.set('x-seen', [...response.header.keys(), ...response.trailer.keys()].join());
    return response;
  },
  'changes the request header': async (request, next) => {
    request.header.set('x-custom', 'changed');
    request.header.delete('x-request-id');
    return await next(request);
  },
  'leaves a note': async (request, next) => {
    request.contextValues.set(noteKey, 'noted');
    return await next(request);
  },
  'adds to header and trailer': async (request, next) => {
    const response = await next(request);
    response.header.append('x-many', 'interceptor');
    response.trailer.append('x-many', 'interceptor');
    return response;
  },
  'spreads the request': async (request, next) => await next({ ...request }),
  'spreads the request with another message': async (request, next) => {
    const message = create(CreatePaymentIntentRequestSchema, {
      reservationId: 'describe',
      userId: 'user-2',
    });
    return await next({ ...request, message });
  },
  'spreads the request with another header': async (request, next) =>
    await next({ ...request, header: new Headers({ 'x-custom': 'replaced' }) }),
  'spreads the request with another signal': async (request, next) =>
    await next({ ...request, signal: AbortSignal.abort('early') }),
  'spreads the request with another address': async (request, next) =>
    await next({ ...request, url: 'http://elsewhere.test/', requestMethod: 'GET' }),
  'spreads the response': async (request, next) => ({ ...(await next(request)) }),
  'spreads the response with another message': async (request, next) => ({
    ...(await next(request)),
    message: replacedMessage,
  }),
  'replaces the response and its metadata': async (request, next) => {
    const response = await next(request);
    return {
      ...response,
      message: replacedMessage,
      header: new Headers([...response.header, ['x-replaced', 'header']]),
      trailer: new Headers([...response.trailer, ['x-replaced', 'trailer']]),
    };
  },
  'answers by itself': (request) =>
    Promise.resolve({
      stream: false,
      service: request.service,
      method: request.method,
      message: replacedMessage,
      header: new Headers({ 'content-type': request.header.get('content-type') ?? '', 'x-by': 'header' }),
      trailer: new Headers({ 'grpc-status': '0', 'x-by': 'trailer' }),
    }),
  'refuses before': () =>
    Promise.reject(new ConnectError('not you', Code.PermissionDenied, { 'x-error': 'before' })),
  'refuses after': async (request, next) => {
    await next(request);
    throw new ConnectError('too late', Code.Unavailable, { 'x-error': 'after' });
  },
  'maps errors': async (request, next) => {
    try {
      return await next(request);
    } catch (error) {
      throw new ConnectError(`mapped ${ConnectError.from(error).rawMessage}`, Code.DataLoss);
    }
  },
  'throws a plain error': () => Promise.reject(new Error('secret')),
  'calls twice': async (request, next) => {
    await next(request);
    return await next(request);
  },
} satisfies Readonly<Record<string, Deed>>;

/** The name of a deed. */
export type DeedName = keyof typeof deeds;

function isDeedName(name: string | null): name is DeedName {
  return name !== null && name in deeds;
}

function isUnary(request: UnaryRequest | StreamRequest): request is UnaryRequest {
  return !request.stream;
}

/** An interceptor that does what this header of the request says, and nothing without it. */
export function createDoer(header: string): Interceptor {
  return (next) => async (request) => {
    const name = request.header.get(header);
    const unaryNext = next as (request: UnaryRequest) => Promise<UnaryResponse | StreamResponse>;
    return isDeedName(name) && isUnary(request)
      ? await deeds[name](request, unaryNext as Next)
      : await next(request);
  };
}

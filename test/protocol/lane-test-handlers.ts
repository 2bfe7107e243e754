import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.js';
import {
  type CreatePaymentIntentRequest,
  type CreatePaymentIntentResponse,
  CreatePaymentIntentResponseSchema,
  PaymentStatus,
} from '../../gen/payment/v1/payment_pb.js';

/** Set by an interceptor, read by a handler. */
export const noteKey = createContextKey('nothing', { description: 'note' });

type Answer = CreatePaymentIntentResponse;
type Behaviour = (context: HandlerContext, request: CreatePaymentIntentRequest) => Answer | Promise<Answer>;

function answer(paymentIntentId: string): Answer {
  return create(CreatePaymentIntentResponseSchema, { paymentIntentId, status: PaymentStatus.PENDING });
}

function setMetadata({ responseHeader, responseTrailer }: HandlerContext): void {
  for (const headers of [responseHeader, responseTrailer]) {
    const place = headers === responseHeader ? 'header' : 'trailer';
    headers.set('x-one', place);
    headers.append('x-many', 'a');
    headers.append('x-many', `b, ${place}`);
    headers.set('x-empty', '');
    headers.set('x-latin', 'caf\u00e9');
    headers.set('x-bytes-bin', 'AAEC/w');
  }
  responseHeader.append('set-cookie', 'a=1');
  responseHeader.append('set-cookie', 'b=2; Path=/');
}

function violations(count: number) {
  const fieldViolations = Array.from({ length: count }, (_, i) => ({ field: `f${i}`, description: 'bad' }));
  return [{ desc: BadRequestSchema, value: { fieldViolations } }];
}

/** What a handler sees of a call; the remaining time in whole minutes, which elapse in no test. */
function describeCall(context: HandlerContext, request: CreatePaymentIntentRequest): string {
  const timeoutMs = context.timeoutMs();
  return JSON.stringify({
    url: context.url,
    protocolName: context.protocolName,
    requestMethod: context.requestMethod,
    service: context.service.typeName,
    method: context.method.name,
    minutesLeft: timeoutMs === undefined ? 'no deadline' : Math.ceil(timeoutMs / 60_000),
    aborted: context.signal.aborted,
    header: [...context.requestHeader],
    responseHeader: [...context.responseHeader],
    responseTrailer: [...context.responseTrailer],
    note: context.values.get(noteKey),
    userId: request.userId,
  });
}

/** Handlers by name; a request names one in `reservation_id`. */
export const behaviours = {
  plain: () => answer('pay-1'),
  describe: (context, request) => answer(describeCall(context, request)),
  'header only': ({ responseHeader }) => {
    responseHeader.set('x-one', 'header');
    return answer('pay-1');
  },
  'trailer only': ({ responseTrailer }) => {
    responseTrailer.set('x-one', 'trailer');
    return answer('pay-1');
  },
  'looks at metadata alone': (context) => answer(String(context.responseHeader.has('x-one'))),
  metadata: (context) => {
    setMetadata(context);
    return answer('pay-1');
  },
  'metadata later': async (context) => {
    await new Promise((resolve) => setImmediate(resolve));
    setMetadata(context);
    return answer('pay-1');
  },
  'content type of its own': ({ responseHeader }) => {
    responseHeader.set('content-type', 'application/x-own');
    return answer('pay-1');
  },
  'status of its own': ({ responseTrailer }) => {
    responseTrailer.set('grpc-status', '5');
    return answer('pay-1');
  },
  'as long as asked': (_context, { userId }) => answer('x'.repeat(Number(userId))),
  'metadata and as long as asked': (context, { userId }) => {
    setMetadata(context);
    return answer('x'.repeat(Number(userId)));
  },
  'an empty message': () => create(CreatePaymentIntentResponseSchema),
  'a message that is none': () => ({ paymentIntentId: 'pay-1' }) as Answer,
  'no message at all': () => undefined as unknown as Answer,
  'a message that cannot be encoded': () => answer(5 as unknown as string),
  'half a surrogate pair': () => answer('\ud800'),
  'error of any code': (_context, { userId }) => {
    throw new ConnectError('as asked', Number(userId));
  },
  'error without a message': () => {
    throw new ConnectError('', Code.NotFound);
  },
  'error in many letters': () => {
    throw new ConnectError('100% 원\r\n"quoted" caf\u00e9 \u{1f3ab} %41', Code.FailedPrecondition);
  },
  'error with metadata and details': () => {
    const metadata = { 'x-error': 'e', 'x-error-bin': 'AAEC', 'content-type': 'text/plain' };
    throw new ConnectError('no', Code.InvalidArgument, metadata, violations(2));
  },
  'error after metadata': async (context) => {
    setMetadata(context);
    await Promise.resolve();
    throw new ConnectError('no', Code.Aborted, { 'x-one': 'error', 'x-error': 'e' }, violations(1));
  },
  'error larger than 1 KiB': () => {
    throw new ConnectError('no', Code.InvalidArgument, { 'x-error': 'e'.repeat(2_000) }, violations(200));
  },
  'error from another server': () => {
    const error = new ConnectError('no', Code.Unavailable, { 'x-error': 'e' }, violations(1));
    throw Object.assign(error, { isWireError: true });
  },
  'a plain error': () => {
    throw new Error('secret');
  },
  'a plain error after metadata': (context) => {
    setMetadata(context);
    throw new TypeError('secret');
  },
  'a rejected promise': () => Promise.reject(new RangeError('secret')),
  'a thrown text': () => Promise.reject('secret'),
  'an AbortError': () => Promise.reject(new DOMException('secret', 'AbortError')),
} satisfies Readonly<Record<string, Behaviour>>;

/** The name of a handler. */
export type BehaviourName = keyof typeof behaviours;

export function isBehaviourName(name: string): name is BehaviourName {
  return name in behaviours;
}

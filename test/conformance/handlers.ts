import { create, type Message } from '@bufbuild/protobuf';
import { type Any, AnySchema, anyPack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { setTimeout as pause } from 'node:timers/promises';
import type { DescMessage } from '@bufbuild/protobuf';
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformanceService,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  type Error as WantedError,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  type UnaryResponseDefinition,
  UnaryRequestSchema,
} from './gen/connectrpc/conformance/v1/service_pb.js';
import type { MessageInitShape } from '@bufbuild/protobuf';

/* Connect's conformance service: answers what the request says, and echoes what came. */

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;

export const conformanceHandlers: ServiceImpl<typeof ConformanceService> = {
  unary: (request, context) =>
    answerUnary(request.responseDefinition, context, [pack(UnaryRequestSchema, request)]),
  idempotentUnary: (request, context) =>
    answerUnary(request.responseDefinition, context, [pack(IdempotentUnaryRequestSchema, request)]),
  async *serverStream(request, context) {
    setHeaders(request.responseDefinition, context);
    yield* answerStream(request.responseDefinition, context, [pack(ServerStreamRequestSchema, request)]);
  },
  async clientStream(requests, context) {
    let definition: UnaryResponseDefinition | undefined;
    const packed: Any[] = [];
    for await (const request of requests) {
      definition = packed.length === 0 ? request.responseDefinition : definition;
      packed.push(pack(ClientStreamRequestSchema, request));
    }
    return await answerUnary(definition, context, packed);
  },
  async *bidiStream(requests, context) {
    let definition: StreamResponseDefinition | undefined;
    let isFullDuplex = false;
    let sent = 0;
    let packed: Any[] = [];
    let isFirst = true;
    for await (const request of requests) {
      packed.push(pack(BidiStreamRequestSchema, request));
      if (isFirst) {
        isFirst = false;
        definition = request.responseDefinition;
        isFullDuplex = request.fullDuplex;
        setHeaders(definition, context);
      }
      const data = definition?.responseData[sent];
      if (isFullDuplex) {
        if (data === undefined) {
          break;
        }
        await pause(definition?.responseDelayMs ?? 0);
        const requestInfo = sent === 0 ? describeCall(context, packed) : { requests: packed };
        yield { payload: { data, requestInfo } };
        packed = [];
        sent += 1;
      }
    }
    if (isFullDuplex) {
      throwWanted(definition?.error, context, sent === 0 ? packed : undefined);
    } else {
      yield* answerStream(definition, context, packed);
    }
  },
  unimplemented() {
    throw new ConnectError('not implemented', Code.Unimplemented);
  },
};

function pack<Desc extends DescMessage>(desc: Desc, message: Message & { $typeName: Desc['typeName'] }): Any {
  return anyPack(desc, message as never);
}

async function answerUnary(
  definition: UnaryResponseDefinition | undefined,
  context: HandlerContext,
  requests: readonly Any[],
): Promise<{ payload: Payload }> {
  setHeaders(definition, context);
  await pause(definition?.responseDelayMs ?? 0);
  const response = definition?.response;
  if (response?.case === 'error') {
    throwWanted(response.value, context, requests);
  }
  return {
    payload: {
      requestInfo: describeCall(context, requests),
      ...(response?.case === 'responseData' && { data: response.value }),
    },
  };
}

async function* answerStream(
  definition: StreamResponseDefinition | undefined,
  context: HandlerContext,
  requests: readonly Any[],
): AsyncGenerator<{ payload: Payload }> {
  let sent = 0;
  for (const data of definition?.responseData ?? []) {
    await pause(definition?.responseDelayMs ?? 0);
    yield { payload: sent === 0 ? { data, requestInfo: describeCall(context, requests) } : { data } };
    sent += 1;
  }
  throwWanted(definition?.error, context, sent === 0 ? requests : undefined);
}

/** Throws the error that is wanted, with what came where nothing has told it yet. */
function throwWanted(
  error: WantedError | undefined,
  context: HandlerContext,
  requests: readonly Any[] | undefined,
): void {
  if (error !== undefined) {
    const failure = new ConnectError(error.message ?? '', error.code as number);
    failure.details = error.details.map(({ typeUrl, value }) => ({
      type: typeUrl.split('/').at(-1) ?? '',
      value,
    }));
    if (requests !== undefined) {
      failure.details.push({
        desc: ConformancePayload_RequestInfoSchema,
        value: describeCall(context, requests),
      });
    }
    throw failure;
  }
}

function setHeaders(
  definition: { readonly responseHeaders: Header[]; readonly responseTrailers: Header[] } | undefined,
  { responseHeader, responseTrailer }: HandlerContext,
): void {
  for (const { name, value } of definition?.responseHeaders ?? []) {
    value.forEach((each) => responseHeader.append(name, each));
  }
  for (const { name, value } of definition?.responseTrailers ?? []) {
    value.forEach((each) => responseTrailer.append(name, each));
  }
}

function describeCall(context: HandlerContext, requests: readonly Any[]) {
  const timeoutMs = context.timeoutMs();
  const query = new URL(context.url).searchParams;
  return create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: value.split(', ') })),
    requests: requests.map((each) => create(AnySchema, each)),
    ...(timeoutMs !== undefined && { timeoutMs: BigInt(Math.round(timeoutMs)) }),
    ...(context.requestMethod === 'GET' && {
      connectGetInfo: { queryParams: [...query].map(([name, value]) => ({ name, value: [value] })) },
    }),
  });
}

import { type ConnectRouterOptions, createConnectRouter, type Interceptor } from '@connectrpc/connect';
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { compressionGzip } from '@connectrpc/connect-node';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { maxCallTimeoutMs } from './transport/call-timeout.ts';
import { addCors } from './http/cors.ts';
import {
  type ConnectionLimits,
  createDualProtocolServer,
  type DualProtocolServer,
} from './port/dual-protocol.ts';
import { answerFastifyError, answerUnknownMethod } from './http/protocol-errors.ts';
import { createRequestGuard } from './http/request-guard.ts';
import { strictJsonDecoder } from './http/strict-json-decoder.ts';
import { addServices, type ServiceRegistration } from './service-registration.ts';
import { createUnaryLane } from './lane/unary-lane.ts';

/** What the API server works with. */
export interface ApiServerOptions {
  readonly services: readonly ServiceRegistration[];
  readonly interceptors: readonly Interceptor[];
  readonly limits: ConnectionLimits;
  /** Largest request message, in bytes, before and after decompression. */
  readonly readMaxBytes: number;
  /** Whose pages may call from a browser; see `addCors`. */
  readonly corsOrigins: readonly string[];
  /** False leaves every call to Connect's stock handlers, which tests compare the lane with. */
  readonly unaryLane: boolean;
  readonly logger: FastifyBaseLogger;
}

/** The server on 8030. */
export interface ApiServer {
  readonly app: FastifyInstance;
  readonly connections: DualProtocolServer;
}

/** As `TextEncoder`, but into Node's pool of buffers: an answer is too short for a piece of memory of its own. */
const pooledTextEncoder = { encode: (text: string): Uint8Array<ArrayBuffer> => Buffer.from(text) };

/** Paths of the methods that stream, either way. */
function streamingPaths(handlers: readonly UniversalHandler[]): ReadonlySet<string> {
  const streaming = handlers.filter(({ method }) => method.methodKind !== 'unary');
  return new Set(streaming.map(({ requestPath }) => requestPath));
}

/** Fastify with the Connect router: gRPC, gRPC-Web and Connect from one set of handlers. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { services } = options;
  // The platform documents its fields by their proto names. Unknown fields are refused, because
  // ignoring them would also swallow a misspelt scenario and approve what was meant to fail.
  const jsonOptions = {
    useProtoFieldName: true,
    ignoreUnknownFields: false,
    textDecoder: strictJsonDecoder,
    textEncoder: pooledTextEncoder,
  };
  const routerOptions: ConnectRouterOptions = {
    interceptors: [...options.interceptors],
    acceptCompression: [compressionGzip],
    readMaxBytes: options.readMaxBytes,
    maxTimeoutMs: maxCallTimeoutMs,
    jsonOptions,
  };
  const { handlers } = addServices(createConnectRouter(routerOptions), services);
  const lane = options.unaryLane ? createUnaryLane(services, routerOptions, handlers) : undefined;
  let connections: DualProtocolServer | undefined;
  const app: FastifyInstance = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    serverFactory: (handler) => {
      connections = createDualProtocolServer(handler, options.limits, lane, streamingPaths(handlers));
      return connections;
    },
  });
  app.setNotFoundHandler(answerUnknownMethod);
  app.setErrorHandler(answerFastifyError);
  await addCors(app, options.corsOrigins);
  app.addHook('onRequest', createRequestGuard(handlers));
  await app.register(fastifyConnectPlugin, {
    ...routerOptions,
    routes: (router) => void addServices(router, services),
  });
  if (connections === undefined) {
    throw new Error('Fastify did not ask for a server');
  }
  return { app, connections };
}

import type { DescService } from '@bufbuild/protobuf';
import type { Interceptor, ServiceImpl } from '@connectrpc/connect';
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify';
import { compressionGzip } from '@connectrpc/connect-node';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { type ConnectionLimits, createDualProtocolServer, type DualProtocolServer } from './dual-protocol.ts';
import { answerUnknownMethod, answerUnsupportedMediaType } from './protocol-errors.ts';

/** A service and its handlers; all that 8030 serves stands in one list of these. */
export interface ServiceRegistration {
  readonly service: DescService;
  // The handlers' types depend on the service; `registerService` checks them where they are made.
  readonly handlers: Partial<ServiceImpl<DescService>>;
}

/** Pairs a service with its handlers, type-checked. */
export function registerService<T extends DescService>(
  service: T,
  handlers: Partial<ServiceImpl<T>>,
): ServiceRegistration {
  return { service, handlers };
}

/** What the API server works with. */
export interface ApiServerOptions {
  readonly services: readonly ServiceRegistration[];
  readonly interceptors: readonly Interceptor[];
  readonly limits: ConnectionLimits;
  /** Largest request message, in bytes, before and after decompression. */
  readonly readMaxBytes: number;
  readonly logger: FastifyBaseLogger;
}

/** The server on 8030. */
export interface ApiServer {
  readonly app: FastifyInstance;
  readonly connections: DualProtocolServer;
}

/** Longest deadline a caller may set, in milliseconds; Node's timers overflow beyond 2^31-1. */
const maxCallTimeoutMs = 3_600_000;

/** Fastify with the Connect router: gRPC, gRPC-Web and Connect from one set of handlers. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  let connections: DualProtocolServer | undefined;
  const app: FastifyInstance = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    serverFactory: (handler) => {
      connections = createDualProtocolServer(handler, options.limits);
      return connections;
    },
  });
  app.setNotFoundHandler(answerUnknownMethod);
  app.setErrorHandler(answerUnsupportedMediaType);
  await app.register(fastifyConnectPlugin, {
    routes(router) {
      for (const { service, handlers } of options.services) {
        router.service(service, handlers);
      }
    },
    interceptors: [...options.interceptors],
    acceptCompression: [compressionGzip],
    readMaxBytes: options.readMaxBytes,
    maxTimeoutMs: maxCallTimeoutMs,
    // The platform documents its fields by their proto names. Unknown fields are refused, because
    // ignoring them would also swallow a misspelt scenario and approve what was meant to fail.
    jsonOptions: { useProtoFieldName: true, ignoreUnknownFields: false },
  });
  if (connections === undefined) {
    throw new Error('Fastify did not ask for a server');
  }
  return { app, connections };
}

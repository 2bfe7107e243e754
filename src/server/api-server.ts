import { createConnectRouter, type Interceptor } from '@connectrpc/connect';
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { createRouterOptions } from './connect/router-options.ts';
import { createBodyReader } from './connect/body-reader.ts';
import { addServices, type ServiceRegistration } from './connect/service-registration.ts';
import { addCors } from './http/cors.ts';
import { answerMalformedRequest } from './http/malformed-requests.ts';
import { answerFastifyError, answerUnknownMethod } from './http/protocol-errors.ts';
import { createRequestGuard } from './http/request-guard.ts';
import { leaveBodiesUnread } from './http/unread-bodies.ts';
import { createUnaryLane } from './lane/unary-lane.ts';
import { envelopeHeadBytes } from './lane/envelope.ts';
import { createBodyBudget } from './transport/body-budget.ts';
import type { ConnectionLimits } from './port/connection-limits.ts';
import { createDualProtocolServer, type DualProtocolServer } from './port/dual-protocol.ts';

interface ApiServerOptions {
  readonly services: readonly ServiceRegistration[];
  readonly interceptors: readonly Interceptor[];
  readonly limits: ConnectionLimits;
  /** Largest request message, in bytes, before and after decompression. */
  readonly readMaxBytes: number;
  /** Origins whose pages may call from a browser; see `addCors`. */
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

/** Fastify with the Connect router: gRPC, gRPC-Web and Connect from one set of handlers. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { services } = options;
  const routerOptions = createRouterOptions(options.interceptors, options.readMaxBytes);
  const { handlers } = addServices(createConnectRouter(routerOptions), services, routerOptions.jsonOptions);
  const lane = options.unaryLane ? createUnaryLane(services, routerOptions, handlers) : undefined;
  const bodyBudget = createBodyBudget(options.readMaxBytes);
  const maxBodyBytes = options.readMaxBytes + envelopeHeadBytes;
  let connections: DualProtocolServer | undefined;
  const app: FastifyInstance = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    clientErrorHandler: answerMalformedRequest,
    serverFactory: (handler) => {
      connections = createDualProtocolServer(
        handler,
        options.limits,
        lane,
        streamingPaths(handlers),
        bodyBudget,
      );
      return connections;
    },
  });
  leaveBodiesUnread(app);
  app.setNotFoundHandler(answerUnknownMethod);
  app.setErrorHandler(answerFastifyError);
  await addCors(app, options.corsOrigins);
  app.addHook('onRequest', createRequestGuard(handlers));
  app.addHook('preHandler', createBodyReader(handlers, bodyBudget, maxBodyBytes));
  await app.register(fastifyConnectPlugin, {
    ...routerOptions,
    routes: (router) => void addServices(router, services, routerOptions.jsonOptions),
  });
  if (connections === undefined) {
    throw new Error('Fastify did not ask for a server');
  }
  return { app, connections };
}

/** Paths of the methods that stream, either way. */
function streamingPaths(handlers: readonly UniversalHandler[]): ReadonlySet<string> {
  const streaming = handlers.filter(({ method }) => method.methodKind !== 'unary');
  return new Set(streaming.map(({ requestPath }) => requestPath));
}

import { createConnectRouter, type Interceptor } from '@connectrpc/connect';
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
} from 'fastify';
import { answerWithConnect } from './connect/connect-adapter.ts';
import { createRouterOptions } from './connect/router-options.ts';
import { addServices, type ServiceRegistration } from './connect/service-registration.ts';
import { type SettledHandler, withSettledAnswers } from './connect/settled-answers.ts';
import { addCors } from './http/cors.ts';
import { createProtocolErrors, takeOver } from './http/protocol-errors.ts';
import { createRequestGuard } from './http/request-guard.ts';
import { createUnaryLane } from './lane/unary-lane.ts';
import type { ConnectionLimits } from './port/connection-limits.ts';
import { createDualProtocolServer, type DualProtocolServer } from './port/dual-protocol.ts';
import type { RecordRefusal } from './transport/refusals.ts';

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
  /** Told of every call that is refused before an interceptor sees it. */
  readonly recordRefusal: RecordRefusal;
  readonly logger: FastifyBaseLogger;
}

/** The server on 8030. */
export interface ApiServer {
  readonly app: FastifyInstance;
  readonly connections: DualProtocolServer;
}

/** Fastify with the Connect router: gRPC, gRPC-Web and Connect from one set of handlers. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { services, recordRefusal } = options;
  const routerOptions = createRouterOptions(options.interceptors, options.readMaxBytes);
  const router = addServices(createConnectRouter(routerOptions), services);
  const handlers = router.handlers.map((handler) => withSettledAnswers(handler, recordRefusal));
  const lane = options.unaryLane
    ? createUnaryLane(services, routerOptions, handlers, recordRefusal)
    : undefined;
  const errors = createProtocolErrors(recordRefusal);
  let connections: DualProtocolServer | undefined;
  const app: FastifyInstance = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => void errors.answerFastifyError(error, request, reply),
    serverFactory: (handler) => {
      connections = createDualProtocolServer(handler, options.limits, lane, streamingPaths(handlers));
      return connections;
    },
  });
  app.setNotFoundHandler((request, reply) => errors.answerUnknownMethod(request, reply));
  app.setErrorHandler((error: FastifyError, request, reply) =>
    errors.answerFastifyError(error, request, reply),
  );
  await addCors(app, options.corsOrigins);
  app.addHook('onRequest', createRequestGuard(handlers, errors));
  addRoutes(app, handlers);
  if (connections === undefined) {
    throw new Error('Fastify did not ask for a server');
  }
  return { app, connections };
}

function addRoutes(app: FastifyInstance, handlers: readonly SettledHandler[]): void {
  // Connect reads bodies itself.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  for (const handler of handlers) {
    app.all(handler.requestPath, (request, reply) => {
      takeOver(reply);
      void answerWithConnect(handler, request.raw, reply.raw);
    });
  }
}

/** Paths of the methods that stream, either way. */
function streamingPaths(handlers: readonly SettledHandler[]): ReadonlySet<string> {
  const streaming = handlers.filter(({ method }) => method.methodKind !== 'unary');
  return new Set(streaming.map(({ requestPath }) => requestPath));
}

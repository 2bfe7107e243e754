import type { Registry } from '@bufbuild/protobuf';
import { Code, ConnectError, createConnectRouter, type Interceptor } from '@connectrpc/connect';
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify';
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { METHODS, type RequestListener } from 'node:http';
import { createBodyReader } from './connect/body-reader.ts';
import { contextValuesOf } from './connect/connect-adapter.ts';
import { createHeadHolder } from './connect/held-head.ts';
import { createRouterOptions } from './connect/router-options.ts';
import { addServices, type ServiceRegistration } from './connect/service-registration.ts';
import { type SettledHandler, withSettledAnswers } from './connect/settled-answers.ts';
import { addCors } from './http/cors.ts';
import { answerMalformedRequest } from './http/malformed-requests.ts';
import { createProtocolErrors, type ProtocolErrors } from './http/protocol-errors.ts';
import { createRequestGuard } from './http/request-guard.ts';
import { leaveBodiesUnread } from './http/unread-bodies.ts';
import { createUnaryLane } from './lane/unary-lane.ts';
import type { ConnectionLimits } from './port/connection-limits.ts';
import { createDualProtocolServer, type DualProtocolServer } from './port/dual-protocol.ts';
import type { PlainRequests } from './port/plain-requests.ts';
import { createBodyBudget } from './transport/body-budget.ts';
import { envelopeHeadBytes } from './transport/envelope.ts';
import type { RecordRefusal } from './transport/refusals.ts';
import { originForm, replaceUnusableHost } from './transport/request-target.ts';

interface ApiServerOptions {
  readonly services: readonly ServiceRegistration[];
  readonly interceptors: readonly Interceptor[];
  readonly limits: ConnectionLimits;
  /** Largest request message, in bytes, before and after decompression. */
  readonly readMaxBytes: number;
  /** The messages that an Any may have in JSON; those of our contracts have none. */
  readonly registry?: Registry;
  /** Origins whose pages may call from a browser; see `addCors`. */
  readonly corsOrigins: readonly string[];
  /** False leaves every call to Connect's stock handlers, which tests compare the lane with. */
  readonly unaryLane: boolean;
  /** Told of every call that is refused before an interceptor sees it. */
  readonly recordRefusal: RecordRefusal;
  /** What is answered besides calls. */
  readonly plain?: PlainRequests;
  readonly logger: FastifyBaseLogger;
}

/** The server of a contract: on 8030, and on PLATFORM_GRPC_PORT. */
export interface ApiServer {
  readonly app: FastifyInstance;
  readonly connections: DualProtocolServer;
  /** Ends its calls and takes no more; until `app` is closed the port is open for plain requests. */
  stopCalls(): void;
}

/** Whether calls are still taken. */
interface Closing {
  begun: boolean;
}

/** Fastify with the Connect router: gRPC, gRPC-Web and Connect from one set of handlers. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { services, recordRefusal, readMaxBytes } = options;
  const routerOptions = createRouterOptions(options.interceptors, readMaxBytes, options.registry);
  const router = addServices(createConnectRouter(routerOptions), services, routerOptions.jsonOptions);
  const handlers = router.handlers.map((handler) => withSettledAnswers(handler, recordRefusal));
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  const lane = options.unaryLane
    ? createUnaryLane(services, routerOptions, handlers, recordRefusal)
    : undefined;
  const errors = createProtocolErrors(recordRefusal, [...byPath.keys()]);
  const bodyBudget = createBodyBudget(readMaxBytes);
  let connections: DualProtocolServer | undefined;
  const app = createFastify(options.logger, errors, (handler) => {
    const listener = createRoutableListener(handler, errors);
    const streaming = streamingPaths(handlers);
    const lasting = new Set([...streaming, ...lastingPaths(services)]);
    const { limits, plain } = options;
    connections = createDualProtocolServer(
      listener,
      limits,
      lane,
      streaming,
      bodyBudget,
      plain,
      lasting,
      (error) => options.logger.error({ err: error }, 'A defect has ended an HTTP/2 connection'),
    );
    return connections;
  });
  const closing: Closing = { begun: false };
  await addHooks(app, byPath, errors, closing, options.corsOrigins);
  app.addHook('preHandler', createBodyReader(byPath, bodyBudget, readMaxBytes + envelopeHeadBytes));
  await app.register(fastifyConnectPlugin, {
    ...routerOptions,
    // Instead of its own the plugin takes the handlers that the lane has.
    routes: ({ handlers: served }) => void served.push(...handlers),
    contextValues: ({ raw }) => contextValuesOf(raw),
  });
  const server = connections;
  if (server === undefined) {
    throw new Error('Fastify did not ask for a server');
  }
  return {
    app,
    connections: server,
    stopCalls() {
      closing.begun = true;
      server.closeHttp2Sessions();
    },
  };
}

function createFastify(
  loggerInstance: FastifyBaseLogger,
  errors: ProtocolErrors,
  serverFactory: (handler: RequestListener) => DualProtocolServer,
): FastifyInstance {
  const app: FastifyInstance = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    clientErrorHandler: answerMalformedRequest,
    frameworkErrors: (error, request, reply) => void errors.answerFastifyError(error, request, reply),
    // Fastify's own answer has no form that a client of the three protocols could read.
    return503OnClosing: false,
    rewriteUrl: ({ url }) => originForm(url),
    serverFactory,
  });
  leaveBodiesUnread(app);
  app.setNotFoundHandler((request, reply) => errors.answerUnknownMethod(request, reply));
  app.setErrorHandler((error: FastifyError, request, reply) =>
    errors.answerFastifyError(error, request, reply),
  );
  return app;
}

async function addHooks(
  app: FastifyInstance,
  byPath: ReadonlyMap<string, SettledHandler>,
  errors: ProtocolErrors,
  closing: Closing,
  corsOrigins: readonly string[],
): Promise<void> {
  const guard = createRequestGuard(byPath, errors);
  app.addHook('onRequest', async ({ raw }) => replaceUnusableHost(raw.headers));
  refuseWhileClosing(app, errors, closing);
  // Before the hook that answers preflights, and all other OPTIONS with a text of its own.
  app.addHook('onRequest', async (request, reply) =>
    isPlainOptions(request) ? await guard(request, reply) : undefined,
  );
  await addCors(app, corsOrigins);
  app.addHook('onRequest', guard);
  app.addHook('preHandler', createHeadHolder(byPath));
}

/** Fastify's handler for the HTTP methods that it can route. */
function createRoutableListener(handler: RequestListener, errors: ProtocolErrors): RequestListener {
  const routable = new Set(METHODS);
  return (request, response) => {
    if (routable.has(request.method ?? '')) {
      handler(request, response);
    } else {
      errors.answerUnroutable(request, response);
    }
  };
}

/** Refuses what comes on connections that were kept alive, while calls in flight finish. */
function refuseWhileClosing(app: FastifyInstance, errors: ProtocolErrors, closing: Closing): void {
  app.addHook('preClose', (done) => {
    closing.begun = true;
    done();
  });
  app.addHook('onRequest', async (request, reply) =>
    closing.begun
      ? await errors.refuse(request, reply, new ConnectError('the service is stopping', Code.Unavailable))
      : undefined,
  );
}

/** Whether a request is an OPTIONS that no browser sends ahead of a call of a page. */
function isPlainOptions({ method, headers }: FastifyRequest): boolean {
  return (
    method === 'OPTIONS' &&
    (headers.origin === undefined || headers['access-control-request-method'] === undefined)
  );
}

function lastingPaths(services: readonly ServiceRegistration[]): readonly string[] {
  return services.flatMap(({ service, lasting }) => lasting.map((name) => `/${service.typeName}/${name}`));
}

/** Paths of the methods that stream, either way. */
function streamingPaths(handlers: readonly SettledHandler[]): ReadonlySet<string> {
  const streaming = handlers.filter(({ method }) => method.methodKind !== 'unary');
  return new Set(streaming.map(({ requestPath }) => requestPath));
}

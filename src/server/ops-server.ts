import {
  fastify,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from 'fastify';
import type { Registry } from 'prom-client';
import type { MachineClock } from '../base/clock.ts';
import { answerMalformedRequest } from './http/malformed-requests.ts';
import { leaveBodiesUnread } from './http/unread-bodies.ts';
import { guardHttp1Server } from './transport/guard-http1.ts';
import { createPipelineLimit } from './transport/pipelined-requests.ts';
import { originForm } from './transport/request-target.ts';

/** What the ops server reports. */
interface OpsServerOptions {
  /** Name in the answer of /health. */
  readonly service: string;
  /** What keeps the service from taking calls, or undefined when nothing does. */
  readonly unreadyReason: () => string | undefined;
  readonly registry: Registry;
  readonly logger: FastifyBaseLogger;
}

const nothingHere = {
  error: 'there is nothing here; ask with GET /health, /livez, /readyz, /healthz or /metrics',
};

/** All that is here, for who comes with a browser. */
const endpoints: Readonly<Record<string, string>> = {
  '/health': 'healthy, or why calls are not taken',
  '/readyz': 'the same for Kubernetes: whether calls are taken',
  '/livez': 'whether the process is alive; /healthz is another name of it',
  '/metrics': 'metrics, as Prometheus reads them',
};

/** What tells how the process is. */
export const probePaths: ReadonlySet<string> = new Set(['/health', '/healthz', '/livez', '/readyz']);
/** All that is here. */
export const opsPaths: ReadonlySet<string> = new Set([...probePaths, '/', '/metrics']);

/** Probes and scrapes need fewer than ten. */
const maxConnections = 1_000;
/** Requests of a connection that may wait for their turn: nobody pipelines here, and an answer has about 50 kB. */
const maxPipelined = 10;
/** For requests under way when the server is closed, in milliseconds: a scrape takes far less. */
const closeMs = 500;

/** The server on 8031: what is here at /, /health, /livez and its other name /healthz, /readyz and /metrics. */
export function createOpsServer(options: OpsServerOptions): FastifyInstance {
  const { service, unreadyReason, registry } = options;
  const app: FastifyInstance = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    clientErrorHandler: answerMalformedRequest,
    // In milliseconds. Requests here have no body, so a whole one takes no longer than its headers.
    requestTimeout: 10_000,
    return503OnClosing: false,
    rewriteUrl: ({ url }) => originForm(url),
    frameworkErrors: (error, _request, reply) => void answerError(error, reply),
  });
  app.server.maxConnections = maxConnections;
  guardHttp1Server(app.server);
  leaveBodiesUnread(app);
  const admitPipelined = createPipelineLimit(maxPipelined);
  // Before a body is read: whatever it is, there is nothing here that takes one.
  app.addHook('onRequest', async (request, reply) => {
    if (!admitPipelined(request.raw, reply.raw)) {
      return reply.hijack();
    }
    return request.is404 ? await reply.code(404).send(nothingHere) : undefined;
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => answerError(error, reply));

  const tellReadiness = (path: string, ready: string, unready: string) =>
    app.get(path, (_request, reply) => {
      const reason = unreadyReason();
      return reason === undefined
        ? reply.send({ status: ready, service })
        : reply.code(503).send({ status: unready, service, reason });
    });
  app.get('/', (request, reply) =>
    request.headers.accept?.includes('text/html') === true
      ? reply
          .headers({
            'content-type': 'text/html; charset=utf-8',
            'content-security-policy': "default-src 'none'",
          })
          .send(indexPage(service))
      : reply.send({ service, endpoints }),
  );
  tellReadiness('/health', 'healthy', 'unhealthy');
  tellReadiness('/readyz', 'ready', 'not ready');

  // Alive as long as it answers: a process that drains must not be killed for it.
  for (const path of ['/livez', '/healthz']) {
    app.get(path, (_request, reply) => reply.send({ status: 'alive', service }));
  }

  app.get('/metrics', async (_request, reply) => {
    return await reply.type(registry.contentType).send(await registry.metrics());
  });

  return app;
}

/** Closes the server; a request that has not ended within half a second is broken off. */
export async function closeOpsServer(app: FastifyInstance, machine: MachineClock): Promise<void> {
  const forceClose = machine.setTimer(closeMs, () => app.server.closeAllConnections());
  try {
    await app.close();
  } finally {
    forceClose.cancel();
  }
}

function indexPage(service: string): string {
  const items = Object.entries(endpoints).map(
    ([path, text]) => `<li><a href="${path}">${path}</a>: ${text}</li>`,
  );
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${service}</title>` +
    `<h1>${service}</h1><ul>${items.join('')}</ul></html>`
  );
}

function answerError(error: FastifyError, reply: FastifyReply): FastifyReply {
  if ((error.statusCode ?? 500) < 500) {
    return reply.code(404).send(nothingHere);
  }
  reply.log.error({ err: error }, 'Request failed');
  return reply.code(500).send({ error: 'internal error' });
}

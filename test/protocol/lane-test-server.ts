import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { PaymentService } from '../../gen/payment/v1/payment_pb.js';
import { createCallMetrics } from '../../src/observability/call-metrics.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createApiServer } from '../../src/server/api-server.ts';
import { registerService } from '../../src/server/connect/service-registration.ts';
import { createRefusalRecorder } from '../../src/server/refusal-recorder.ts';
import { behaviours, isBehaviourName } from './lane-test-handlers.ts';
import { createDoer } from './lane-test-interceptors.ts';

/** An API server whose handlers and interceptors do what the request says. */
export interface LaneTestServer {
  readonly url: string;
  /** How many calls have come to a handler, by who brought them. */
  calls(): { readonly lane: number; readonly stock: number };
  /** Causes of the answers that could not be sent. */
  defects(): readonly unknown[];
  /** The signal of the next call to come whose handler gives it away. */
  nextSignal(): Promise<AbortSignal>;
  close(): Promise<void>;
}

/** A handler with this name waits until its signal fires, and throws the reason. */
export const waiter = 'wait';

/** A handler with this name sets a header that Node refuses to send. */
export const breaker = 'break';

/** A handler with this name gives its signal away and answers. */
export const keeper = 'keep';

export async function startLaneTestServer(unaryLane: boolean): Promise<LaneTestServer> {
  const events = new EventEmitter();
  const calls = { lane: 0, stock: 0 };

  async function wait({ signal }: HandlerContext): Promise<never> {
    events.emit('signal', signal);
    if (!signal.aborted) {
      await once(signal, 'abort');
    }
    throw signal.reason;
  }

  const handlers = registerService(PaymentService, {
    createPaymentIntent(request, context) {
      // Connect's contexts have this member beyond their type.
      calls['abort' in context ? 'stock' : 'lane'] += 1;
      const name = request.reservationId;
      if (name === keeper) {
        events.emit('signal', context.signal);
        return behaviours.plain();
      }
      if (name === breaker) {
        context.responseHeader.set('x-odd', '\u0001');
        return behaviours.plain();
      }
      if (name === waiter) {
        return wait(context);
      }
      if (isBehaviourName(name)) {
        return behaviours[name](context, request);
      }
      throw new ConnectError(`there is no handler "${name}"`, Code.OutOfRange);
    },
    // The others are left out: a method without an implementation is served as well.
  });
  const logger = createLogger('silent', { write: () => undefined });
  const defects: unknown[] = [];
  const record = createRefusalRecorder({
    logger,
    metrics: createCallMetrics(new Registry()),
    newId: () => 'request-1',
  });
  const { app, connections } = await createApiServer({
    services: [handlers],
    interceptors: [createDoer('x-outer'), createDoer('x-middle'), createDoer('x-inner')],
    limits: {
      sniffTimeoutMs: 10_000,
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      idleTimeoutMs: 60_000,
      maxConcurrentStreams: 100,
      maxConnections: 100,
      maxHeaderBytes: 16_384,
    },
    readMaxBytes: 65_536,
    corsOrigins: [],
    unaryLane,
    recordRefusal: (call, error) => {
      if (error.cause !== undefined) {
        defects.push(error.cause);
      }
      return record(call, error);
    },
    logger,
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => ({ ...calls }),
    defects: () => defects,
    async nextSignal() {
      const [signal] = (await once(events, 'signal')) as [AbortSignal];
      return signal;
    },
    async close() {
      const closed = app.close();
      // As the service does when its grace is over: Connect's own gRPC handler leaves a stream open
      // whose message it refused before all of it had come.
      connections.destroyConnections();
      await closed;
    },
  };
}

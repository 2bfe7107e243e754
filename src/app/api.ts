import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.js';
import { PaymentService as PaymentServiceDescriptor } from '../../gen/payment/v1/payment_pb.js';
import { createRandomIds } from '../base/ids.ts';
import { paymentFieldHints } from '../contracts/payment-v1/field-hints.ts';
import { createPaymentHandlers } from '../contracts/payment-v1/handlers.ts';
import type { DeliveryService } from '../delivery/delivery-service.ts';
import { createPaymentService } from '../payment/payment-service.ts';
import { createSettlement } from '../payment/settlement.ts';
import { createWebhookUrlCheck } from '../payment/webhook-url.ts';
import { type ApiServer, createApiServer } from '../server/api-server.ts';
import { readCallHeader, readCallTrace } from '../server/call-readers.ts';
import { createHealth } from '../server/grpc/health.ts';
import { createReflection } from '../server/grpc/reflection.ts';
import { createCallInterceptor } from '../server/call-interceptor.ts';
import { createRefusalRecorder } from '../server/refusal-recorder.ts';
import { reportRefusedConnections } from '../server/port/refused-connections.ts';
import { registerService, type ServiceRegistration } from '../server/connect/service-registration.ts';
import type { State } from '../state/state.ts';
import { type Basics, fastifyLoggerOf, present } from './basics.ts';
import { observePayments } from './observers.ts';

/* The part of the composition root (app.ts) that wires up what 8030 serves. */

/** The fences around connections; times in milliseconds. */
const connectionLimits = {
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  maxConcurrentStreams: 1_000,
  maxHeaderBytes: 16_384,
};

/** All that 8030 serves. */
export function buildServices(
  basics: Basics,
  state: State,
  delivery: DeliveryService,
  life: { readonly unreadyReason: () => string | undefined; readonly stopping: AbortSignal },
): readonly ServiceRegistration[] {
  const { config, clock, machine, outcomes, newId, egressPolicy } = basics;
  const observe = observePayments(basics, present(basics.overrides.observers?.payments));
  const { payments, idempotency } = state;
  payments.start(
    createSettlement({ clock, newId, announce: delivery.deliver, hasRoom: delivery.hasRoom, observe }),
  );
  const { defaultScenario, defaultDelayMs, delayScenarioMs, expiryMs, maxPayments } = config;
  const service = createPaymentService({
    clock,
    outcomes,
    newId,
    payments,
    idempotency,
    scenarioOptions: { defaultScenario, defaultDelayMs, delayScenarioMs, expiryMs },
    checkWebhookUrl: createWebhookUrlCheck(({ hostname }) => {
      const reason = egressPolicy.refuseHost(hostname);
      return reason && `${hostname} ${reason}`;
    }),
    maxPayments,
    observe,
  });
  const callReaders = { readTrace: readCallTrace, readHeader: readCallHeader };
  const services = [
    registerService(PaymentServiceDescriptor, createPaymentHandlers(service, callReaders), paymentFieldHints),
    createHealth({ clock: machine, serviceNames: [PaymentServiceDescriptor.typeName], ...life }),
  ];
  const reflected = config.reflection
    ? createReflection(services, [file_google_rpc_error_details], life.stopping)
    : [];
  return [...services, ...reflected];
}

/** The server on 8030. */
export async function buildApi(basics: Basics, services: readonly ServiceRegistration[]): Promise<ApiServer> {
  const { config, machine, logger, metrics, overrides } = basics;
  for (const method of PaymentServiceDescriptor.methods) {
    metrics.calls(method); // Counted from 0 on.
  }
  // Not the generator of the payments' ids: refused calls must not shift a reproducible sequence.
  const observer = { logger, metrics: metrics.calls, newId: createRandomIds() };
  const api = await createApiServer({
    services,
    interceptors: [createCallInterceptor(observer)],
    recordRefusal: createRefusalRecorder(observer),
    limits: { ...connectionLimits, maxConnections: config.maxConnections },
    readMaxBytes: config.readMaxBytes,
    corsOrigins: config.corsOrigins,
    unaryLane: overrides.unaryLane ?? true,
    logger: fastifyLoggerOf(basics),
  });
  reportRefusedConnections(api.connections, { clock: machine, logger, counter: metrics.connectionsRefused });
  return api;
}

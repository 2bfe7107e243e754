import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.js';
import { PaymentService as PaymentServiceDescriptor } from '../../gen/payment/v1/payment_pb.js';
import { PaymentService as PlatformServiceDescriptor } from '../../gen/platform/payment/v1/payment_pb.js';
import { SimulatorService as SimulatorServiceDescriptor } from '../../gen/simulator/v1/simulator_pb.js';
import { callableHost } from '../base/callable-host.ts';
import { createRandomIds } from '../base/ids.ts';
import { paymentFieldHints } from '../contracts/payment-v1/field-hints.ts';
import { createPaymentHandlers } from '../contracts/payment-v1/handlers.ts';
import { platformFieldHints } from '../contracts/platform-v1/field-hints.ts';
import { createCallRecorder, type RecordCall } from '../contracts/steering/call-record.ts';
import { createPlatformHandlers } from '../contracts/platform-v1/handlers.ts';
import { simulatorFieldHints } from '../contracts/simulator-v1/field-hints.ts';
import { createSimulatorHandlers } from '../contracts/simulator-v1/handlers.ts';
import type { CallReaders } from '../contracts/call-readers.ts';
import type { JournalParts } from '../contracts/simulator-v1/journal-handlers.ts';
import type { DeliveryService } from '../delivery/delivery-service.ts';
import { createInbox, type Inbox } from '../simulator/journal/inbox.ts';
import { createWaits } from '../simulator/journal/await.ts';
import { createWatches } from '../simulator/journal/watch.ts';
import { createPaymentService, type PaymentService } from '../payment/payment-service.ts';
import { createSettlement } from '../payment/settlement.ts';
import { type ApiServer, createApiServer } from '../server/api-server.ts';
import {
  dropCall,
  hasAnyCallHeader,
  noteDecision,
  readCallHeader,
  readCallTrace,
} from '../server/call-readers.ts';
import { traceChanges } from '../observability/payment-spans.ts';
import { createSpanInterceptor, traceRefusals } from '../server/call-spans.ts';
import { createHealth } from '../server/grpc/health.ts';
import { createReflection } from '../server/grpc/reflection.ts';
import { createCallInterceptor } from '../server/call-interceptor.ts';
import { createRefusalRecorder } from '../server/refusal-recorder.ts';
import type { PlainRequests } from '../server/port/plain-requests.ts';
import { reportRefusedConnections } from '../server/port/refused-connections.ts';
import { registerService, type ServiceRegistration } from '../server/connect/service-registration.ts';
import type { Steering } from '../simulator/steering.ts';
import { notePayments } from '../observability/journal-feed.ts';
import type { State } from '../state/state.ts';
import { type Basics, fastifyLoggerOf, present } from './basics.ts';
import type { Exits } from './channels.ts';
import type { FileRules } from './file-rules.ts';
import { observePayments } from './observers.ts';
import { buildSteering } from './steering.ts';
import { createAddressCheck } from './webhook-addresses.ts';

/* The part of the composition root (app.ts) that wires up what the ports of the contracts serve. */

/** The fences around connections; times in milliseconds. */
const connectionLimits = {
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  maxConcurrentStreams: 1_000,
  maxHeaderBytes: 16_384,
};

/** What the ports serve, one list for each contract. */
export interface Contracts {
  readonly payment: readonly ServiceRegistration[];
  /** Undefined where the platform's contract is not served. */
  readonly platform: readonly ServiceRegistration[] | undefined;
  /** Notes calls for testers; undefined where there are none. */
  readonly record: RecordCall | undefined;
  /** The built-in receiver; undefined where nobody may steer. */
  readonly inbox: Inbox | undefined;
  /** Ends what runs by itself. */
  close(): void;
}

/** How the process lives. */
interface Life {
  readonly unreadyReason: () => string | undefined;
  readonly stopping: AbortSignal;
  /** Where calls come in: known once the ports are open. */
  readonly apiPort: () => number;
}

/** All that is served, by whichever contract: the same payments. */
export function buildContracts(
  basics: Basics,
  state: State,
  exits: Pick<Exits, 'delivery' | 'resend'>,
  fileRules: FileRules,
  life: Life,
): Contracts {
  const { config, machine, egressPolicy } = basics;
  const readers = {
    readTrace: readCallTrace,
    readHeader: readCallHeader,
    hasAnyHeader: hasAnyCallHeader,
    dropCall,
    noteDecision,
  };
  const checkWebhookUrl = createAddressCheck(egressPolicy);
  const inbox = config.simulatorApi ? createInbox() : undefined;
  const { calls, steering } = buildSteering(basics, state, readers, checkWebhookUrl, fileRules, inbox);
  const service = buildPaymentService(basics, state, exits.delivery, steering);
  const handlers = createPaymentHandlers({ service, readers, calls });
  const journal = buildJournal(basics, state, exits.resend, readers, life);
  const inboxUrl = () => `http://${callableHost(config.host)}:${life.apiPort()}/inbox`;
  const simulator =
    steering &&
    journal &&
    inbox &&
    registerService(
      SimulatorServiceDescriptor,
      createSimulatorHandlers({ steering, journal, received: { inbox, address: inboxUrl } }, readers),
      simulatorFieldHints,
      ['Await', 'AdvanceClock'],
    );
  // Both contracts have this name, and one readiness.
  const health = createHealth({ clock: machine, serviceNames: [PaymentServiceDescriptor.typeName], ...life });
  const withReflection = (services: readonly ServiceRegistration[]) =>
    config.reflection
      ? [...services, ...createReflection(services, [file_google_rpc_error_details], life.stopping)]
      : services;
  const payment = withReflection([
    registerService(PaymentServiceDescriptor, handlers, paymentFieldHints),
    ...present(simulator),
    health,
  ]);
  // Both contracts have this name as well.
  const record =
    state.journal && createCallRecorder(machine, state.journal, PaymentServiceDescriptor.typeName);
  const shared = { record, inbox, close: () => steering?.close() };
  if (config.platformGrpcPort === undefined) {
    return { payment, platform: undefined, ...shared };
  }
  const platformHandlers = createPlatformHandlers(service, { ...readers, calls, expiryMs: config.expiryMs });
  const platform = withReflection([
    registerService(PlatformServiceDescriptor, platformHandlers, platformFieldHints),
    health,
  ]);
  return { payment, platform, ...shared };
}

/** What testers look at; undefined where there are none. */
function buildJournal(
  { machine }: Basics,
  { journal: store, payments }: State,
  resend: Exits['resend'],
  readers: CallReaders,
  { stopping }: Life,
): JournalParts | undefined {
  const watches = store && createWatches({ store, machine });
  const waits = store && createWaits({ store, machine });
  return (
    store && resend && watches && waits && { store, waits, payments, resend, watches, stopping, readers }
  );
}

function buildPaymentService(
  basics: Basics,
  state: State,
  delivery: DeliveryService,
  steering: Steering | undefined,
): PaymentService {
  const { config, clock, outcomes, newId, egressPolicy } = basics;
  const { payments, idempotency, journal } = state;
  const observe = observePayments(basics, [
    ...present(journal && notePayments({ ...basics, ...journal })),
    ...present(basics.traces && traceChanges(basics.traces.startSpan)),
    ...present(basics.overrides.observers?.payments),
  ]);
  payments.start(
    createSettlement({ clock, newId, announce: delivery.deliver, hasRoom: delivery.hasRoom, observe }),
  );
  const { defaultScenario, defaultDelayMs, delayScenarioMs, expiryMs, maxPayments, webhookUrl } = config;
  const checkWebhookUrl = createAddressCheck(egressPolicy);
  const defaultWebhook = webhookUrl === undefined ? undefined : checkWebhookUrl(webhookUrl);
  return createPaymentService({
    clock,
    outcomes,
    newId,
    payments,
    idempotency,
    scenarioOptions: { defaultScenario, defaultDelayMs, delayScenarioMs, expiryMs },
    checkWebhookUrl,
    defaultWebhookUrl:
      defaultWebhook !== undefined && 'address' in defaultWebhook ? defaultWebhook.address : undefined,
    maxPayments,
    observe,
    keyScopeOf: steering?.keyScopeOf,
  });
}

/** What a server is made of. */
interface ApiParts {
  readonly services: readonly ServiceRegistration[];
  readonly record: RecordCall | undefined;
  readonly plain: PlainRequests;
}

/** The server of one contract. */
export async function buildApi(basics: Basics, { services, record, plain }: ApiParts): Promise<ApiServer> {
  const { config, machine, logger, metrics, overrides, traces } = basics;
  for (const { service } of services) {
    if (!service.typeName.startsWith('grpc.')) {
      service.methods.forEach((method) => metrics.calls(method)); // Counted from 0 on.
    }
  }
  // Not the generator of the payments' ids: refused calls must not shift a reproducible sequence.
  const observer = { logger, metrics: metrics.calls, newId: createRandomIds(), record };
  const recordRefusal = createRefusalRecorder(observer);
  const api = await createApiServer({
    services,
    // The outermost first: the log line of a call that fails has the trace of its span.
    interceptors: [
      ...present(traces && createSpanInterceptor(traces.startSpan)),
      createCallInterceptor(observer),
    ],
    recordRefusal: traces === undefined ? recordRefusal : traceRefusals(traces.startSpan, recordRefusal),
    limits: { ...connectionLimits, maxConnections: config.maxConnections },
    readMaxBytes: config.readMaxBytes,
    corsOrigins: config.corsOrigins,
    unaryLane: overrides.unaryLane ?? true,
    plain,
    logger: fastifyLoggerOf(basics),
  });
  reportRefusedConnections(api.connections, { clock: machine, logger, counter: metrics.connectionsRefused });
  return api;
}

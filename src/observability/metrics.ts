import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { createCallMetrics } from './call-metrics.ts';
import { addProcessLimits } from './process-limits.ts';
import type { LogDestination } from '../process/line-buffer.ts';
import { paymentMethods } from '../simulator/match.ts';
import { createOutcomeCounter, createSeriesCounter, createSeriesHistogram } from './series.ts';

/** Every instrument of the service, in one registry that belongs to one app. */
export type Metrics = ReturnType<typeof createMetrics>;

/** Upper bounds in seconds, prom-client's and Go's defaults. */
const attemptBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Creates the registry with all instruments.
 *
 * @param withProcess whether it has Node's own metrics too, whose collectors never end.
 */
export function createMetrics(withProcess = true) {
  const registry = new Registry();
  if (withProcess) {
    collectDefaultMetrics({ register: registry });
    addProcessLimits(registry);
  }
  const calls = createCallMetrics(registry);
  return {
    registry,
    calls,
    ...paymentInstruments(registry),
    ...platformInstruments(registry),
    ...webhookInstruments(registry),
    ...eventBridgeInstruments(registry),
    ...deadLetterInstruments(registry),
  };
}

function paymentInstruments(registry: Registry) {
  const intentsCreated = createSeriesCounter(registry, {
    name: 'payment_intents_created_total',
    help: 'Payment intents accepted, by the scenario that applies.',
    labelNames: ['scenario'],
  });
  const settlements = createSeriesCounter(registry, {
    name: 'payment_settlements_total',
    help: 'Payments settled, cancelled or expired, by the status that they got.',
    labelNames: ['status'],
  });
  const refunds = createSeriesCounter(registry, {
    name: 'payment_refunds_total',
    help: 'Refunds that have ended, by how.',
    labelNames: ['status'],
  });
  return {
    simulatedFaults: createSimulatedFaults(registry),
    simulatedDeliveries: createSimulatedDeliveries(registry),
    intentsCreated: {
      APPROVE: intentsCreated.series({ scenario: 'APPROVE' }),
      FAIL: intentsCreated.series({ scenario: 'FAIL' }),
      DELAY: intentsCreated.series({ scenario: 'DELAY' }),
      RANDOM: intentsCreated.series({ scenario: 'RANDOM' }),
    },
    settlements: {
      COMPLETED: settlements.series({ status: 'COMPLETED' }),
      FAILED: settlements.series({ status: 'FAILED' }),
      CANCELLED: settlements.series({ status: 'CANCELLED' }),
      EXPIRED: settlements.series({ status: 'EXPIRED' }),
    },
    refunds: {
      SUCCEEDED: refunds.series({ status: 'SUCCEEDED' }),
      FAILED: refunds.series({ status: 'FAILED' }),
    },
    settlementLagSeconds: createSeriesHistogram(registry, {
      name: 'payment_settlement_lag_seconds',
      help: 'How long after their due time payments settled.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    }).series({}),
  };
}

/** From 0 on: alerts subtract them, and Prometheus misses the first event of a series that appears with it. */
function createSimulatedFaults(registry: Registry) {
  const counter = new Counter({
    name: 'payment_simulated_faults_total',
    help: 'Calls that were answered late, with an error or not at all because a tester asked for it, by method and fault: delay, error or drop.',
    labelNames: ['grpc_method', 'fault'] as const,
    registers: [registry],
  });
  for (const method of paymentMethods) {
    for (const fault of ['delay', 'error', 'drop']) {
      counter.inc({ grpc_method: method, fault }, 0);
    }
  }
  return counter;
}

/** The fields of `SimulatedDelivery` that change what goes out, and by which ways. */
const deliveryFaults = {
  webhook: ['copies', 'delay_ms', 'drop', 'hold_until_next_event', 'signature', 'conflicting_status'],
  eventbridge: ['copies', 'delay_ms', 'drop', 'hold_until_next_event', 'conflicting_status'],
};

function createSimulatedDeliveries(registry: Registry) {
  const counter = new Counter({
    name: 'delivery_simulated_faults_total',
    help: "Events that were delivered otherwise than usual because a tester asked for it, by channel and by the contract's name for it.",
    labelNames: ['channel', 'fault'] as const,
    registers: [registry],
  });
  for (const [channel, faults] of Object.entries(deliveryFaults)) {
    for (const fault of faults) {
      counter.inc({ channel, fault }, 0);
    }
  }
  return counter;
}

function platformInstruments(registry: Registry) {
  return {
    connectionsRefused: new Counter({
      name: 'api_connections_refused_total',
      help: 'Connections closed at once because there were MAX_CONNECTIONS already.',
      registers: [registry],
    }),
    redisErrors: new Counter({
      name: 'redis_command_errors_total',
      help: 'Commands that Redis did not carry out, by reason: unreachable, timeout, out_of_memory or failed.',
      labelNames: ['reason'] as const,
      registers: [registry],
    }),
    redisEvictedKeys: new Counter({
      name: 'redis_evicted_keys_total',
      help: 'Keys that Redis has evicted for want of memory, as this process saw it.',
      registers: [registry],
    }),
  };
}

function webhookInstruments(registry: Registry) {
  return {
    webhookAttempts: createOutcomeCounter(registry, {
      name: 'webhook_attempts_total',
      help: 'Webhook attempts, by outcome: delivered, http_<status>, timeout, connection or egress_refused.',
    }),
    webhookAttemptSeconds: createSeriesHistogram(registry, {
      name: 'webhook_attempt_seconds',
      help: 'Duration of webhook attempts.',
      buckets: attemptBuckets,
    }).series({}),
    webhookDeliveries: createOutcomeCounter(registry, {
      name: 'webhook_deliveries_total',
      help: 'Webhook deliveries that ended, by outcome: delivered, or dead_letter_<reason>.',
    }),
  };
}

function eventBridgeInstruments(registry: Registry) {
  return {
    eventBridgeEvents: createOutcomeCounter(registry, {
      name: 'eventbridge_events_total',
      help: 'Events that ended, by outcome: delivered, skipped, or dead_letter_<reason>.',
    }),
    eventBridgeCalls: createOutcomeCounter(registry, {
      name: 'eventbridge_calls_total',
      help: 'PutEvents calls, by outcome: accepted, partly_failed, or why the whole call failed.',
    }),
    eventBridgeCallSeconds: createSeriesHistogram(registry, {
      name: 'eventbridge_call_seconds',
      help: 'Duration of PutEvents calls.',
      buckets: attemptBuckets,
    }).series({}),
    eventBridgeEntryFailures: new Counter({
      name: 'eventbridge_entry_failures_total',
      help: 'Entries that an attempt did not bring to EventBridge, by reason.',
      labelNames: ['reason'] as const,
      registers: [registry],
    }),
  };
}

function deadLetterInstruments(registry: Registry) {
  return {
    deadLetters: new Counter({
      name: 'dead_letters_total',
      help: 'Events given up, by channel and reason; each is in the log.',
      labelNames: ['channel', 'reason'] as const,
      registers: [registry],
    }),
    deadLetterMessages: new Counter({
      name: 'dead_letter_messages_total',
      help: 'Dead letters for the dead-letter queue, by outcome: sent or failed.',
      labelNames: ['outcome'] as const,
      registers: [registry],
    }),
  };
}

/**
 * Adds a gauge that is read when the metrics are.
 *
 * @param read its value, or its values by label value. When it fails, the gauge is not a number, or has no
 *   values.
 * @param label undefined when it has none.
 */
export function addGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | object | Promise<number | object>,
  label?: string,
): void {
  const gauge = new Gauge({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    async collect() {
      try {
        const counts = await read();
        if (typeof counts === 'number') {
          gauge.set(counts);
          return;
        }
        for (const [value, count] of Object.entries(counts)) {
          gauge.set({ [label ?? '']: value }, count);
        }
      } catch {
        if (label === undefined) {
          gauge.set(Number.NaN);
        } else {
          gauge.reset();
        }
      }
    },
  });
}

/** Adds the counter of log lines that found no room in front of `destination`; 0 for one that loses none. */
export function addLostLines(registry: Registry, destination: LogDestination | undefined): void {
  const counter: Counter = new Counter({
    name: 'log_lines_lost_total',
    help: 'Log lines that found no room because standard output could not be written.',
    registers: [registry],
    collect() {
      counter.reset();
      counter.inc(destination?.lostLines?.() ?? 0);
    },
  });
}

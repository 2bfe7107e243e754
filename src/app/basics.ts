import type { FastifyBaseLogger } from 'fastify';
import { type MachineClock, type SimClock, systemClock } from '../base/clock.ts';
import { createRandomIds, type IdGenerator } from '../base/ids.ts';
import type { Observer } from '../base/observer.ts';
import type { RandomSource } from '../base/random.ts';
import type { DeliveryChannel } from '../delivery/delivery-service.ts';
import type { DeliveryReport } from '../delivery/observer.ts';
import type { ResolveName } from '../delivery/webhook/connector.ts';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/metrics.ts';
import type { Traces } from '../observability/traces.ts';
import type { PaymentReport } from '../payment/observer.ts';
import {
  createRandomOutcomes,
  createSeededOutcomes,
  type RandomOutcomes,
} from '../payment/random-outcomes.ts';
import { createSessionClocks } from '../simulator/session-clocks.ts';
import type { LogDestination } from '../process/line-buffer.ts';
import type { RedisPaymentParts } from '../state/redis/payments.ts';
import type { State } from '../state/state.ts';
import type { Config } from './config.ts';
import { egressPolicyOf } from './webhook-addresses.ts';

/* The part of the composition root (app.ts) with what all other parts work with. */

/** Parts that tests and embedders may replace. */
export interface AppOverrides {
  /** The simulation's. */
  readonly clock?: SimClock;
  /** The machine's: replaced by tests of what goes by it, and by nobody else. */
  readonly machine?: MachineClock;
  /** Decides RANDOM payments, and nothing else. */
  readonly random?: RandomSource;
  readonly newId?: IdGenerator;
  /** False serves every call through Connect's stock handlers. */
  readonly unaryLane?: boolean;
  /** How the names of webhook receivers are resolved; by the system unless told otherwise. */
  readonly resolveName?: ResolveName;
  /** Are told what happens, besides metrics and log. */
  readonly observers?: {
    readonly payments?: Observer<PaymentReport>;
    readonly deliveries?: Observer<DeliveryReport>;
  };
  /** False leaves Node's own metrics out, whose collectors live as long as the process. */
  readonly processMetrics?: boolean;
  /** Stands between the service and its state. */
  readonly wrapState?: (state: State) => State;
  /** Stands between payments in Redis and what they are made of. */
  readonly wrapRedisPayments?: (parts: RedisPaymentParts) => RedisPaymentParts;
  /** Stands between settlements and a way out. */
  readonly wrapChannel?: (name: 'webhook' | 'eventbridge', channel: DeliveryChannel) => DeliveryChannel;
  /** Where log lines go; standard output unless told otherwise. */
  readonly logDestination?: LogDestination;
}

/** What everything works with. */
export interface Basics extends Readonly<ReturnType<typeof createBasics>> {
  /** Absent where no spans are made. */
  readonly traces?: Traces | undefined;
}

/** Makes what everything works with. */
export function createBasics(config: Config, overrides: AppOverrides) {
  const logDestination: LogDestination = overrides.logDestination ?? process.stdout;
  const clock = createSessionClocks(overrides.clock ?? systemClock);
  return {
    config,
    overrides,
    clock,
    machine: overrides.machine ?? systemClock,
    /** Of waits. Never that of the outcomes: a webhook that fails must not shift them. */
    random: Math.random,
    outcomes: outcomesOf(config, overrides),
    newId: overrides.newId ?? createRandomIds(),
    logDestination,
    logger: createLogger(config.logLevel, logDestination),
    metrics: createMetrics(overrides.processMetrics ?? true),
    egressPolicy: egressPolicyOf(config),
  };
}

function outcomesOf({ randomFailureRate, randomSeed }: Config, { random }: AppOverrides): RandomOutcomes {
  return random === undefined && randomSeed !== undefined
    ? createSeededOutcomes(randomFailureRate, randomSeed)
    : createRandomOutcomes(randomFailureRate, random ?? Math.random);
}

/** Fastify's own lines (each address it listens at) say nothing that ours do not. */
export function fastifyLoggerOf({ logger, config }: Basics): FastifyBaseLogger {
  return logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : config.logLevel });
}

/** The value as a list, empty without one. */
export function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

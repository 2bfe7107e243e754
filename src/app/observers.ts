import { combineObservers, type Observer } from '../base/observer.ts';
import type { DeliveryReport } from '../delivery/observer.ts';
import {
  countDeadLetters,
  countEventBridge,
  countSimulatedDeliveries,
  countSkippedEvents,
  countWebhooks,
} from '../observability/delivery-counts.ts';
import {
  logDeadLetters,
  logEventBridge,
  logSimulatedDeliveries,
  logWebhooks,
} from '../observability/delivery-log.ts';
import type { Logger, QuietLevel } from '../observability/logger.ts';
import { countPayments, logPayments } from '../observability/payment-subscribers.ts';
import {
  countSimulatedAnswers,
  logSimulatedAnswers,
  logSteering,
} from '../observability/steering-subscribers.ts';
import { createSettlementLog } from '../observability/settlement-log.ts';
import type { PaymentReport } from '../payment/observer.ts';
import type { SteeringReport } from '../simulator/observer.ts';
import type { Basics } from './basics.ts';
import type { Config } from './config.ts';

/* The part of the composition root (app.ts) that says who is told what. */

type ObserverParts = Pick<Basics, 'logger' | 'logDestination' | 'metrics'> & {
  readonly config: Pick<Config, 'logFormat'>;
};

/** Who sees payments: the metrics, the log, and whoever runs the service inside a test. */
export function observePayments(
  parts: ObserverParts,
  others: readonly Observer<PaymentReport>[],
): Observer<PaymentReport> {
  const { logger, metrics } = parts;
  const observers = [
    countPayments(metrics),
    logPayments(logger, createSettlementLog(logger, parts.logDestination), quietLevel(parts.config)),
    ...others,
  ];
  return combineObservers(observers, (error) => reportFailure(logger, error));
}

/** Who sees deliveries: the same, and the attempt log. */
export function observeDeliveries(
  { config, logger, metrics }: ObserverParts,
  options: { readonly eventBridge: boolean },
  others: readonly Observer<DeliveryReport>[],
): Observer<DeliveryReport> {
  const observers = [
    countWebhooks(metrics),
    countDeadLetters(metrics),
    countSimulatedDeliveries(metrics),
    logSimulatedDeliveries(logger),
    logWebhooks(logger, quietLevel(config)),
    logDeadLetters(logger),
    ...(options.eventBridge
      ? [countEventBridge(metrics), countSkippedEvents(metrics), logEventBridge(logger)]
      : []),
    ...others,
  ];
  return combineObservers(observers, (error) => reportFailure(logger, error));
}

/** Who sees what testers do. */
export function observeSteering(
  { logger, metrics }: ObserverParts,
  others: readonly Observer<SteeringReport>[],
) {
  const onError = (error: unknown) => reportFailure(logger, error);
  return {
    answers: combineObservers([countSimulatedAnswers(metrics), logSimulatedAnswers(logger)], onError),
    sessions: combineObservers([logSteering(logger), ...others], onError),
  };
}

/** People who watch see every payment and webhook. */
function quietLevel({ logFormat }: ObserverParts['config']): QuietLevel {
  return logFormat === 'pretty' ? 'info' : 'debug';
}

function reportFailure(logger: Logger, error: unknown): void {
  logger.error({ err: error }, 'An observer failed; it is not told of again');
}

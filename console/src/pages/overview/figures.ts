import { bucketsOf, type Labels, type Samples, sumOf } from './prometheus-text.ts';

/* What two looks at the metrics, one after the other, say of the time between them. Pure. */

/** A look at the metrics. */
export interface Look {
  readonly atMs: number;
  readonly samples: Samples;
}

/** How much a counter has grown a second. A service that was started anew has begun at 0 again. */
export function rateOf(before: Look, now: Look, name: string, wanted: Labels = {}): number {
  const seconds = (now.atMs - before.atMs) / 1_000;
  const [was, is] = [sumOf(before.samples, name, wanted), sumOf(now.samples, name, wanted)];
  return seconds <= 0 ? 0 : (is < was ? is : is - was) / seconds;
}

/**
 * The value that the share `quantile` (0 to 1) of what came between the looks does not exceed, in the histogram's unit;
 * undefined when nothing came. Within a bucket values are taken to lie evenly, as Prometheus does.
 */
export function quantileBetween(
  before: Look,
  now: Look,
  name: string,
  quantile: number,
  wanted: Labels = {},
): number | undefined {
  const was = new Map(bucketsOf(before.samples, name, wanted));
  const all = bucketsOf(now.samples, name, wanted);
  const isAnew = all.some(([bound, count]) => count < (was.get(bound) ?? 0));
  const buckets = all.map(([bound, count]) => [bound, count - (isAnew ? 0 : (was.get(bound) ?? 0))] as const);
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total <= 0) {
    return undefined;
  }
  const rank = quantile * total;
  let [lower, below] = [0, 0];
  for (const [bound, count] of buckets) {
    if (count >= rank) {
      return bound === Infinity
        ? lower
        : lower + ((bound - lower) * (rank - below)) / Math.max(count - below, 1);
    }
    [lower, below] = [bound, count];
  }
  return lower;
}

/** The names of the figures, each with a chart of its own. */
export const figureNames = [
  'payments',
  'calls',
  'failedCalls',
  'callP50',
  'callP99',
  'settlements',
  'lagP99',
  'pending',
  'webhooks',
  'webhookFailures',
  'webhooksWaiting',
  'eventsWaiting',
  'givenUp',
  'connections',
  'memory',
] as const;

export type FigureName = (typeof figureNames)[number];

/** What a figure counts: `rate` a second, `seconds`, `count`, or `bytes`. */
export const units: Readonly<Record<FigureName, 'rate' | 'seconds' | 'count' | 'bytes'>> = {
  payments: 'rate',
  calls: 'rate',
  failedCalls: 'rate',
  callP50: 'seconds',
  callP99: 'seconds',
  settlements: 'rate',
  lagP99: 'seconds',
  pending: 'count',
  webhooks: 'rate',
  webhookFailures: 'rate',
  webhooksWaiting: 'count',
  eventsWaiting: 'count',
  givenUp: 'rate',
  connections: 'count',
  memory: 'bytes',
};

const paymentCalls = { grpc_service: 'payment.v1.PaymentService' };
const callSeconds = 'grpc_server_handling_seconds';

/** Undefined where nothing happened that could be measured. */
export function figuresOf(before: Look, now: Look): Readonly<Record<FigureName, number | undefined>> {
  const { samples } = now;
  const rate = (name: string, wanted?: Labels) => rateOf(before, now, name, wanted);
  const calls = rate('grpc_server_handled_total', paymentCalls);
  return {
    payments: rate('payment_intents_created_total'),
    calls,
    failedCalls: calls - rate('grpc_server_handled_total', { ...paymentCalls, grpc_code: 'OK' }),
    callP50: quantileBetween(before, now, callSeconds, 0.5, paymentCalls),
    callP99: quantileBetween(before, now, callSeconds, 0.99, paymentCalls),
    settlements: rate('payment_settlements_total'),
    lagP99: quantileBetween(before, now, 'payment_settlement_lag_seconds', 0.99),
    pending: sumOf(samples, 'payment_stored', { state: 'pending' }),
    webhooks: rate('webhook_deliveries_total', { outcome: 'delivered' }),
    webhookFailures:
      rate('webhook_attempts_total') - rate('webhook_attempts_total', { outcome: 'delivered' }),
    webhooksWaiting:
      sumOf(samples, 'webhook_retries_waiting') + sumOf(samples, 'webhook_connections', { state: 'waiting' }),
    eventsWaiting: sumOf(samples, 'eventbridge_backlog'),
    givenUp: rate('dead_letters_total'),
    connections: sumOf(samples, 'api_connections'),
    memory: sumOf(samples, 'process_resident_memory_bytes'),
  };
}

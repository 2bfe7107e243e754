import type { Clock } from '../../base/clock.ts';
import { traceFields } from '../../base/call-trace.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { RandomSource } from '../../base/random.ts';
import { LeftToOthersError } from '../../state/left-to-others-error.ts';
import type { DeliveryQueue } from '../../state/ports.ts';
import type { DeadLetter } from '../dead-letter/dead-letter.ts';
import type { DeliveryChannel } from '../delivery-service.ts';
import { decideRetry, patienceMs, type RetryOptions } from '../retry-policy.ts';
import type { WebhookAttempt } from './attempt.ts';
import type { WebhookCircuits } from './circuits.ts';
import type { WebhookConnections } from './connections.ts';
import type { WebhookDelivery } from './delivery.ts';
import type { AttemptResult } from './request.ts';
import { createWebhookTurns, type Turn } from './turn.ts';

/** What the webhook sender works with. */
export interface WebhookSenderDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly connections: WebhookConnections;
  readonly circuits: WebhookCircuits;
  readonly attempt: WebhookAttempt;
  readonly queue: DeliveryQueue<WebhookDelivery>;
  /**
   * Set when deliveries outlive the process: `accept` fails rather than to give up what others can do, and
   * when receivers are slow no more than so many first attempts are under way; those beyond wait in the
   * queue.
   */
  readonly maxSlowAttempts?: number | undefined;
  readonly deadLetter: DeadLetter;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: RetryOptions;
}

/** Sends the outcome to the payment's webhook address, if it has one. */
export function createWebhookSender(deps: WebhookSenderDeps): DeliveryChannel {
  const { clock, queue, deadLetter, logger, metrics } = deps;
  const longestWaitMs = patienceMs(deps.retry, deps.timeoutMs);
  /** Every delivery that is being attempted or waits for a connection. */
  const inFlight = new Set<WebhookDelivery>();
  const isShared = deps.maxSlowAttempts !== undefined;
  const takeTurn = createWebhookTurns({ ...deps, maxWaitMs: isShared ? slowMs : undefined });
  /** First attempts under way, the oldest first, with the time when they began. */
  const firstAttempts = new Map<WebhookDelivery, number>();
  /** How many have had their turn and are being accounted for. */
  let concluding = 0;
  let abandoned = false;
  let onIdle: (() => void) | undefined;

  function isAbandoned(): boolean {
    return abandoned;
  }

  /** @param onEnd gets what ends when the delivery is accounted for; not called while it waits its turn. */
  function begin(delivery: WebhookDelivery, onEnd: (ended: Promise<void>) => void): void {
    inFlight.add(delivery);
    takeTurn(delivery, isAbandoned, (turn) => onEnd(end(delivery, turn)));
  }

  /** Rejects only when the queue outlives the process: otherwise nobody waits for it. */
  async function end(delivery: WebhookDelivery, turn: Turn): Promise<void> {
    // Unless the shutdown abandoned it meanwhile: either way it is accounted for once.
    const isOurs = inFlight.delete(delivery);
    if (isOurs) {
      concluding += 1;
      try {
        await account(delivery, turn);
      } finally {
        concluding -= 1;
      }
    }
    if (isIdle()) {
      onIdle?.();
    }
    if (!isOurs && isShared) {
      throw new LeftToOthersError();
    }
  }

  function handle(delivery: WebhookDelivery): Promise<void> {
    return new Promise((resolve) => begin(delivery, resolve));
  }

  async function handleFirst(delivery: WebhookDelivery): Promise<void> {
    if (firstAttempts.size >= (deps.maxSlowAttempts ?? Infinity) && areSlow()) {
      await waitElsewhere(delivery);
      return;
    }
    firstAttempts.set(delivery, clock.now());
    try {
      await handle(delivery);
    } finally {
      firstAttempts.delete(delivery);
    }
  }

  function areSlow(): boolean {
    const [oldestMs = Infinity] = firstAttempts.values();
    return clock.now() - oldestMs > slowMs;
  }

  /** Leaves a delivery that there is no room for to the queue, from where it may go to another process. */
  function waitElsewhere(delivery: WebhookDelivery): Promise<void> {
    return waitForTurn(delivery, clock.now() + elsewhereMs, 'too many webhooks were under way');
  }

  async function account(delivery: WebhookDelivery, turn: Turn): Promise<void> {
    switch (turn.kind) {
      case 'attempted':
        await conclude(
          { ...delivery, attempts: delivery.attempts + 1, lastAttemptAtMs: turn.atMs },
          turn.result,
        );
        break;
      case 'blocked':
        await waitForTurn(delivery, turn.untilMs, 'the origin failed too often to be tried');
        break;
      case 'overflow':
        if (isShared) {
          await waitElsewhere(delivery);
          break;
        }
        await deadLetter.record(delivery, 'overflow', 'too many webhooks wait for a connection');
        break;
      case 'shutdown':
        await leave(delivery);
        break;
    }
  }

  /** For a delivery that this process has no time for. */
  async function leave(delivery: WebhookDelivery): Promise<void> {
    if (isShared) {
      throw new LeftToOthersError();
    }
    await deadLetter.record(delivery, 'shutdown', 'out of time');
  }

  /** What comes of a delivery after an attempt, the attempt already counted. */
  async function conclude(delivery: WebhookDelivery, result: AttemptResult): Promise<void> {
    if (result.outcome === 'delivered') {
      metrics.webhookDeliveries.count('delivered');
      if (logger.isLevelEnabled('debug')) {
        logger.debug({ ...fieldsOf(delivery), http_status: result.statusCode }, 'Webhook delivered');
      }
      return;
    }
    const decision = decideRetry(delivery.attempts, result.failure, deps.retry, deps.random);
    if (decision.action === 'give-up') {
      await deadLetter.record(delivery, decision.reason, result.detail);
      return;
    }
    if (await hold(delivery, clock.now() + decision.delayMs, result.detail)) {
      logger.warn(
        { ...fieldsOf(delivery), error: result.detail, retry_in_ms: decision.delayMs },
        'Webhook failed, to be tried again',
      );
    }
  }

  /** Waits without an attempt, as long as the attempts and the waits between them would take in all. */
  async function waitForTurn(delivery: WebhookDelivery, untilMs: number, reason: string): Promise<void> {
    const waiting = { ...delivery, waits: (delivery.waits ?? 0) + 1 };
    if (clock.now() - delivery.createdAtMs > longestWaitMs) {
      await deadLetter.record(delivery, 'exhausted', reason);
    } else if (await hold(waiting, untilMs, reason)) {
      logger.debug(
        { ...fieldsOf(delivery), error: reason, retry_in_ms: untilMs - clock.now() },
        'Webhook waits for its turn',
      );
    }
  }

  /** Puts the delivery into the queue; what it does not take is given up. */
  async function hold(delivery: WebhookDelivery, dueAtMs: number, lastError: string): Promise<boolean> {
    switch (await addToQueue(delivery, dueAtMs)) {
      case 'held':
        return true;
      case 'refused':
        await deadLetter.record(delivery, 'shutdown', lastError);
        return false;
      case 'full':
        await deadLetter.record(delivery, 'overflow', lastError);
        return false;
      case 'failed':
        await deadLetter.record(delivery, 'queue_failed', lastError);
        return false;
    }
  }

  async function addToQueue(delivery: WebhookDelivery, dueAtMs: number) {
    try {
      return await queue.add(delivery, dueAtMs);
    } catch (error) {
      logger.error({ event_id: delivery.event.eventId, err: error }, 'Webhook queue failed');
      if (isShared) {
        throw error;
      }
      return 'failed';
    }
  }

  function isIdle(): boolean {
    return inFlight.size === 0 && concluding === 0 && queue.heldHere() === 0;
  }

  async function abandon(): Promise<void> {
    abandoned = true;
    // Taken out at once: what ends from here on finds that it is accounted for.
    const unfinished = [...inFlight];
    inFlight.clear();
    const held = await queue.drain(0);
    if (isShared) {
      return;
    }
    const left = [...unfinished, ...held];
    await Promise.all(left.map((delivery) => deadLetter.record(delivery, 'shutdown', 'out of time')));
  }

  queue.start(handle);

  return {
    accept(event, payment) {
      if (payment.webhookUrl === undefined) {
        return undefined;
      }
      const delivery = { event, url: payment.webhookUrl, attempts: 0, createdAtMs: clock.now() };
      if (abandoned) {
        return leave(delivery);
      }
      if (isShared) {
        return handleFirst(delivery);
      }
      // Nobody waits for it, so there is no promise to hold on to while it waits for a connection.
      begin(delivery, () => undefined);
      return undefined;
    },

    async drain(untilMs) {
      const tooLate = await queue.drain(untilMs);
      await Promise.all(tooLate.map((delivery) => deadLetter.record(delivery, 'shutdown', 'out of time')));
      if (!isIdle()) {
        await new Promise<void>((resolve) => {
          const timer = clock.setTimer(
            Math.max(0, untilMs - clock.now()),
            () => void abandon().then(resolve),
          );
          onIdle = () => {
            timer.cancel();
            resolve();
          };
        });
      }
    },
  };
}

/** With a first attempt older than this, in milliseconds, receivers count as slow. */
const slowMs = 1_000;

/** How long a delivery that there was no room for waits in the queue, in milliseconds. */
const elsewhereMs = 1_000;

function fieldsOf(delivery: WebhookDelivery) {
  return {
    payment_id: delivery.event.paymentId,
    reservation_id: delivery.event.reservationId,
    event_id: delivery.event.eventId,
    webhook_url: delivery.url,
    attempt: delivery.attempts,
    ...traceFields(delivery.event.trace),
  };
}

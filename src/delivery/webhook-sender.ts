import type { Clock, Timer } from '../clock.ts';
import { traceFields } from '../payment/call-trace.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { RandomSource } from '../random.ts';
import { LeftToOthersError } from '../state/left-to-others-error.ts';
import type { DeliveryQueue } from '../state/ports.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { DeliveryChannel } from './delivery-service.ts';
import { decideRetry, patienceMs, type RetryOptions } from './retry-policy.ts';
import type { WebhookAttempt } from './webhook-attempt.ts';
import type { WebhookCircuits } from './webhook-circuits.ts';
import type { NoConnection, WebhookConnection, WebhookConnections } from './webhook-connections.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';
import type { AttemptResult } from './webhook-request.ts';

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

/** What came of a delivery whose turn it was. */
type Turn =
  | { readonly kind: 'attempted'; readonly atMs: number; readonly result: AttemptResult }
  /** The origin's circuit is open. */
  | { readonly kind: 'blocked'; readonly untilMs: number }
  /** Too many wait for a connection. */
  | { readonly kind: 'overflow' }
  /** The shutdown came first. */
  | { readonly kind: 'shutdown' };

/** Sends the outcome to the payment's webhook address, if it has one. */
export function createWebhookSender(deps: WebhookSenderDeps): DeliveryChannel {
  const { clock, connections, circuits, queue, deadLetter, logger, metrics } = deps;
  const longestWaitMs = patienceMs(deps.retry, deps.timeoutMs);
  /** Every delivery that is being attempted or waits for a connection. */
  const inFlight = new Set<WebhookDelivery>();
  const isShared = deps.maxSlowAttempts !== undefined;
  /** First attempts under way, the oldest first, with the time when they began. */
  const firstAttempts = new Map<WebhookDelivery, number>();
  /** How many have had their turn and are being accounted for. */
  let concluding = 0;
  let abandoned = false;
  let onIdle: (() => void) | undefined;

  /** Rejects only when the queue outlives the process: otherwise nobody waits for it. */
  async function handle(delivery: WebhookDelivery): Promise<void> {
    inFlight.add(delivery);
    const turn = await takeTurn(delivery);
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
  async function waitElsewhere(delivery: WebhookDelivery): Promise<void> {
    await hold(withWait(delivery), clock.now() + elsewhereMs, 'too many webhooks were under way');
  }

  async function takeTurn(delivery: WebhookDelivery): Promise<Turn> {
    const url = new URL(delivery.url);
    const { origin } = url;
    const blockedUntilMs = circuits.blockedUntilMs(origin);
    if (blockedUntilMs !== undefined) {
      return { kind: 'blocked', untilMs: blockedUntilMs };
    }
    const connection = await (isShared ? acquireSoon(origin) : connections.acquire(origin));
    switch (connection) {
      case 'closed':
        return { kind: 'shutdown' };
      case 'full':
        return { kind: 'overflow' };
      case 'dismissed':
        return { kind: 'blocked', untilMs: circuits.blockedUntilMs(origin) ?? clock.now() };
    }
    if (abandoned) {
      connection.release();
      return { kind: 'shutdown' };
    }
    const admission = circuits.admit(origin);
    if (typeof admission === 'object') {
      connection.release();
      return { kind: 'blocked', untilMs: admission.blockedUntilMs };
    }
    const atMs = clock.now();
    const result = await deps.attempt(connection.client, delivery, url);
    // Told before the connection is free, or the next in line would use it on a dead origin.
    if (circuits.report(origin, admission, isAlive(result))) {
      connections.dismiss(origin);
    }
    connection.release();
    return { kind: 'attempted', atMs, result };
  }

  /** As `acquire`, but full when there is none soon: who waits here keeps a settlement waiting. */
  async function acquireSoon(origin: string): Promise<WebhookConnection | NoConnection> {
    const acquired = connections.acquire(origin);
    let timer: Timer | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = clock.setTimer(slowMs, () => resolve('late'));
    });
    const first = await Promise.race([acquired, late]);
    timer?.cancel();
    if (first !== 'late') {
      return first;
    }
    void acquired.then((connection) => typeof connection === 'object' && connection.release());
    return 'full';
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
        await waitForCircuit(delivery, turn.untilMs);
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
      metrics.webhookDeliveries.inc({ outcome: 'delivered' });
      logger.debug({ ...fieldsOf(delivery), http_status: result.statusCode }, 'Webhook delivered');
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

  async function waitForCircuit(delivery: WebhookDelivery, untilMs: number): Promise<void> {
    const reason = 'the origin failed too often to be tried';
    if (clock.now() - delivery.createdAtMs > longestWaitMs) {
      await deadLetter.record(delivery, 'exhausted', reason);
    } else if (await hold(withWait(delivery), untilMs, reason)) {
      logger.debug(
        { ...fieldsOf(delivery), retry_in_ms: untilMs - clock.now() },
        'Webhook waits for its origin',
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
      return isShared ? handleFirst(delivery) : handle(delivery);
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

function withWait(delivery: WebhookDelivery): WebhookDelivery {
  return { ...delivery, waits: (delivery.waits ?? 0) + 1 };
}

/** Whether somebody is there who can answer, whatever the answer was to this one delivery. */
function isAlive(result: AttemptResult): boolean {
  if (result.outcome === 'delivered' || !result.failure.retryable) {
    return true;
  }
  return result.statusCode !== undefined && result.statusCode < 500;
}

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

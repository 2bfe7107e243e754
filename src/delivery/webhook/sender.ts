import { clockOf, type MachineClock, type SimClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import type { RandomSource } from '../../base/random.ts';
import { runSteps } from '../../base/run-steps.ts';
import { within } from '../../base/within.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { keptBackMs } from '../arrangement.ts';
import { holdUntilEnded } from '../clock-hold.ts';
import type { Custody, OnEnd, Sender } from '../custody.ts';
import { afterAttempt, newDelivery, type WebhookDelivery } from '../delivery.ts';
import type { DeliveryChannel } from '../delivery-service.ts';
import type { DeliveryReport } from '../observer.ts';
import type { DeliveryQueue } from '../ports.ts';
import { type AttemptResult, decideRetry, patienceMs, type RetryOptions } from '../retry-policy.ts';
import { signatureFaultOf } from './attempt.ts';
import { mustFollow } from './event-order.ts';
import type { TakeTurn, Turn } from './turn.ts';

interface WebhookSenderDeps {
  readonly clock: SimClock;
  readonly machine: MachineClock;
  readonly random: RandomSource;
  readonly takeTurn: TakeTurn;
  /** As `WebhookConnections.hasRoom`. */
  readonly hasRoom: (origin: string) => boolean;
  readonly queue: DeliveryQueue<WebhookDelivery>;
  readonly custody: Custody<WebhookDelivery>;
  readonly observe: Observer<DeliveryReport>;
  /**
   * When the first attempt at an event began, as far as is known; milliseconds since the epoch. With durable
   * state, where the process that made it may be gone; undefined otherwise.
   */
  readonly firstAttemptAtMs: ((event: PaymentEvent) => Promise<number | undefined>) | undefined;
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: RetryOptions;
  /** Whether a drain waits for retries; otherwise what waits for one is accounted for at once. */
  readonly drainsRetries: boolean;
}

interface Waiting {
  readonly delivery: WebhookDelivery;
  readonly onEnd: OnEnd;
}

interface State extends WebhookSenderDeps {
  /** Later events of payments, by payment, while the first attempt at an earlier one is under way. Rare. */
  readonly behind: Map<string, Waiting[]>;
  /** Every delivery that is being attempted or waits for a connection. */
  readonly inFlight: Set<WebhookDelivery>;
  /** How many have had their turn and are being accounted for. */
  concluding: number;
  abandoned: boolean;
  readonly isAbandoned: () => boolean;
  readonly sender: Sender<WebhookDelivery>;
  onIdle: (() => void) | undefined;
}

/** Sends events to their webhook address, if they have one. */
export function createWebhookSender(deps: WebhookSenderDeps): DeliveryChannel {
  const self: State = {
    ...deps,
    inFlight: new Set(),
    behind: new Map(),
    concluding: 0,
    abandoned: false,
    isAbandoned: () => self.abandoned,
    sender: {
      canSend: () => true,
      begin: (delivery, onEnd) => begin(self, delivery, onEnd),
      waitForRoom: (delivery, delayMs) =>
        waitForTurn(self, delivery, delayMs, 'too many webhooks were under way'),
    },
    onIdle: undefined,
  };
  return {
    start: () => self.queue.start((delivery) => self.custody.again(delivery, self.sender)),
    accept: (event) => accept(self, event),
    hasRoom: (origin) => origin === undefined || self.hasRoom(origin),
    drain: (withinMs) => drain(self, withinMs),
  };
}

function accept(
  { clock, custody, abandoned, sender }: State,
  event: PaymentEvent,
): Promise<void> | undefined {
  const { destination: url } = event;
  if (url === undefined) {
    return undefined;
  }
  const delivery = { ...newDelivery(event), url, askedMs: keptBackMs(event, clock) };
  return abandoned ? custody.leave(delivery) : custody.first(delivery, sender);
}

function begin(self: State, delivery: WebhookDelivery, onEnd: OnEnd): void {
  place(self, delivery, holdUntilEnded(self.clock, delivery.event, onEnd));
}

/** `onEnd` is not called while the delivery waits for its turn: a backlog then holds no promises. */
function place(self: State, delivery: WebhookDelivery, onEnd: OnEnd): void {
  const comesBehind = mustFollow(delivery, self.inFlight);
  self.inFlight.add(delivery);
  if (!comesBehind) {
    attempt(self, delivery, onEnd);
    return;
  }
  const paymentId = delivery.event.payment.id;
  const behind = self.behind.get(paymentId) ?? [];
  behind.push({ delivery, onEnd });
  self.behind.set(paymentId, behind);
}

/** Lets those begin that have come behind `ended` and have no other before them. */
function beginBehind(self: State, ended: WebhookDelivery): void {
  const paymentId = ended.event.payment.id;
  const behind = self.behind.get(paymentId) ?? [];
  self.behind.delete(paymentId);
  for (const waiting of behind) {
    self.inFlight.delete(waiting.delivery);
    place(self, waiting.delivery, waiting.onEnd);
  }
}

function attempt(self: State, delivery: WebhookDelivery, onEnd: OnEnd): void {
  self.takeTurn(delivery, self.isAbandoned, (turn) => onEnd(end(self, delivery, turn)));
}

/** Rejects only with durable state: otherwise nobody waits for it. */
async function end(self: State, delivery: WebhookDelivery, turn: Turn): Promise<void> {
  // Unless the shutdown abandoned it meanwhile: either way it is accounted for once.
  const isOurs = self.inFlight.delete(delivery);
  if (self.behind.size > 0) {
    beginBehind(self, delivery);
  }
  if (isOurs) {
    self.concluding += 1;
    try {
      await account(self, delivery, turn);
    } finally {
      self.concluding -= 1;
    }
  }
  if (isIdle(self)) {
    self.onIdle?.();
  }
  if (!isOurs) {
    self.custody.checkAbandoned();
  }
}

async function account(self: State, delivery: WebhookDelivery, turn: Turn): Promise<void> {
  const hasNoTurn = turn.kind === 'blocked' || turn.kind === 'overflow';
  if (hasNoTurn && signatureFaultOf(delivery.event) !== undefined) {
    // It is sent once if it can be: that it could not is no failure of anybody's.
    const failure = { reason: turn.kind, retryable: false };
    const result: AttemptResult = { outcome: 'failed', failure, detail: 'not sent' };
    self.observe({ kind: 'forged', delivery, result, isSent: false });
    return;
  }
  switch (turn.kind) {
    case 'attempted':
      await conclude(self, afterAttempt(delivery, turn.atMs), turn.result);
      break;
    case 'blocked':
      await waitForTurn(self, delivery, turn.forMs, 'the origin failed too often to be tried');
      break;
    case 'overflow':
      await self.custody.overflow(delivery, 'too many webhooks wait for a connection', self.sender);
      break;
    case 'shutdown':
      await self.custody.leave(delivery);
      break;
  }
}

/** What comes of a delivery after an attempt, the attempt already counted. */
async function conclude(self: State, attempted: WebhookDelivery, result: AttemptResult): Promise<void> {
  if (signatureFaultOf(attempted.event) !== undefined) {
    self.observe({ kind: 'forged', delivery: attempted, result, isSent: true });
    return;
  }
  if (result.outcome === 'delivered') {
    const { statusCode } = result;
    self.observe({
      kind: 'delivered',
      channel: 'webhook',
      delivery: attempted,
      url: attempted.url,
      statusCode,
    });
    return;
  }
  const delivery = await withEarlierAttempt(self, attempted);
  const decision = decideRetry(delivery.attempts, result.failure, self.retry, self.random);
  if (decision.action === 'give-up') {
    self.custody.giveUp(delivery, decision.reason, result.detail);
    return;
  }
  const askedMs = delivery.askedMs + decision.askedMs;
  const failed = { ...delivery, askedMs, lastError: result.detail };
  await hold(self, failed, decision.delayMs, result.detail, true);
}

/**
 * An event that is announced again begins with its first attempt again: what an earlier run of its job has
 * tried is in the attempt log alone. Looked up when that attempt has failed, so that others do not wait for it.
 */
async function withEarlierAttempt(
  { firstAttemptAtMs: lookUp }: State,
  delivery: WebhookDelivery,
): Promise<WebhookDelivery> {
  if (lookUp === undefined || delivery.attempts > 1) {
    return delivery;
  }
  const { firstAttemptAtMs = Infinity } = delivery;
  const notedAtMs = await lookUp(delivery.event).catch(() => undefined);
  return { ...delivery, firstAttemptAtMs: Math.min(firstAttemptAtMs, notedAtMs ?? Infinity) };
}

/**
 * Waits without an attempt, as long as the attempts and the waits between them would take in all. What the
 * receiver itself asked for is not held against the delivery.
 */
async function waitForTurn(
  self: State,
  delivery: WebhookDelivery,
  delayMs: number,
  reason: string,
): Promise<void> {
  const { event, askedMs } = delivery;
  const waitedMs = clockOf(self.clock, event.sessionId).now() - event.occurredAtMs - askedMs;
  if (waitedMs > patienceMs(self.retry, self.timeoutMs)) {
    self.custody.giveUp(delivery, 'exhausted', reason);
  } else {
    await hold(self, { ...delivery, waits: delivery.waits + 1 }, delayMs, reason, false);
  }
}

async function hold(
  self: State,
  delivery: WebhookDelivery,
  retryInMs: number,
  error: string,
  isFailed: boolean,
): Promise<void> {
  if (await self.custody.hold(delivery, retryInMs, error)) {
    self.observe({ kind: 'webhook-waiting', delivery, isFailed, error, retryInMs });
  }
}

function isIdle({ inFlight, concluding, queue }: State): boolean {
  return inFlight.size === 0 && concluding === 0 && queue.heldHere() === 0;
}

async function drain(self: State, withinMs: number): Promise<void> {
  const deadline = self.machine.monotonic() + withinMs;
  await runSteps([
    async () => await self.custody.abandon(await self.queue.drain(self.drainsRetries ? withinMs : 0)),
    () => finish(self, deadline),
  ]);
}

/** Waits for what is under way; what has not ended in time is accounted for. */
async function finish(self: State, deadline: number): Promise<void> {
  const { machine } = self;
  if (!isIdle(self)) {
    const idle = new Promise<void>((resolve) => (self.onIdle = resolve));
    // By the machine's time: what waits for the simulation's clock must not hold up the end.
    if (!(await within(machine, Math.max(0, deadline - machine.monotonic()), idle))) {
      await abandon(self);
    }
  }
}

async function abandon(self: State): Promise<void> {
  self.abandoned = true;
  // Taken out at once: what ends from here on finds that it is accounted for.
  const unfinished = [...self.inFlight];
  self.inFlight.clear();
  // Their turn does not come any more; all others end with their own.
  const behind = [...self.behind.values()].flat();
  self.behind.clear();
  behind.forEach(({ onEnd }) => onEnd(endAbandoned(self)));
  await self.custody.abandon(unfinished);
  await self.custody.abandon(await self.queue.drain(0));
}

/** Rejects when another process takes it over. */
async function endAbandoned({ custody }: State): Promise<void> {
  custody.checkAbandoned();
}

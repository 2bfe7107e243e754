import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { SimClock } from '../../src/base/clock.ts';
import { createRandomIds } from '../../src/base/ids.ts';
import { PaymentError } from '../../src/payment/errors.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { comparePositions } from '../../src/payment/page.ts';
import {
  canTransition,
  isSettled,
  type Payment,
  type PaymentStatus,
  refundableAmount,
  refundedAmount,
  type SettledStatus,
} from '../../src/payment/payment.ts';
import { createPaymentService, type PaymentService } from '../../src/payment/payment-service.ts';
import { createRandomOutcomes } from '../../src/payment/random-outcomes.ts';
import { createSettlement } from '../../src/payment/settlement.ts';
import type { State } from '../../src/state/state.ts';

/*
 * Payments that are created, changed and listed in any order, and what must hold of them all the time, whoever
 * keeps them.
 */

/** One thing that a caller does, or time. */
export type Step =
  | {
      readonly kind: 'create';
      readonly amount: number;
      readonly fails: boolean;
      readonly delayMs: number;
      readonly refund: { readonly delayMs: number; readonly failureCode: string } | undefined;
    }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'process'; readonly nth: number }
  | {
      readonly kind: 'cancel';
      readonly nth: number;
      readonly amount: number | undefined;
      readonly key: string;
    }
  | {
      readonly kind: 'simulate';
      readonly nth: number;
      readonly target: SettledStatus;
      readonly delaySeconds: number;
      readonly force: boolean;
    }
  | { readonly kind: 'list'; readonly pageSize: number }
  | { readonly kind: 'restart' };

/** Steps in any order; delays as long as told. */
export function stepsOf(delays: {
  readonly settlesMs: number;
  readonly refundMs: number;
  readonly passMs: number;
  readonly simulateSeconds: number;
}): fc.Arbitrary<Step> {
  const nth = fc.nat({ max: 2 });
  const createStep = fc.record({
    kind: fc.constant('create' as const),
    amount: fc.integer({ min: 1, max: 5 }),
    fails: fc.boolean(),
    delayMs: fc.nat({ max: delays.settlesMs }),
    refund: fc.option(
      fc.record({
        delayMs: fc.nat({ max: delays.refundMs }),
        failureCode: fc.constantFrom('', '', 'expired_card'),
      }),
      { nil: undefined },
    ),
  });
  const cancelStep = fc.record({
    kind: fc.constant('cancel' as const),
    nth,
    amount: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    key: fc.constantFrom('', '', 'key-1', 'key-2'),
  });
  const simulateStep = fc.record({
    kind: fc.constant('simulate' as const),
    nth,
    target: fc.constantFrom('COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED', 'EXPIRED'),
    delaySeconds: fc.nat({ max: delays.simulateSeconds }),
    force: fc.boolean(),
  });
  return fc.oneof(
    { weight: 3, arbitrary: createStep },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: delays.passMs }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('process' as const), nth }) },
    { weight: 6, arbitrary: cancelStep },
    { weight: 2, arbitrary: simulateStep },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('list' as const), pageSize: fc.integer({ min: 1, max: 4 }) }),
    },
  );
}

interface Known {
  readonly id: string;
  readonly amount: number;
  before: Payment | undefined;
  /** Refunds that a caller was told of, with their amounts. */
  readonly acknowledged: Map<string, number>;
}

/** What is done to payments, and what is known of them. */
export interface PaymentLife {
  /** Does a step and checks that all holds. */
  step(step: Step): Promise<void>;
  /** Whether everything has ended: nothing pending, no refund under way, and all events told. */
  isQuiet(): Promise<boolean>;
  /** Checks all that was told, when everything has ended. */
  checkTold(): Promise<void>;
}

interface LifeOptions {
  readonly clock: SimClock;
  /** Lets time pass. */
  readonly pass: (ms: number) => Promise<void>;
  /** Opens the state, again after `restart`. */
  readonly open: () => Promise<Pick<State, 'payments' | 'idempotency'>>;
  /** Closes what `open` has given last. */
  readonly close: () => Promise<void>;
  /** Whether nothing changes but by what this process does and the clock that it moves. */
  readonly isExact: boolean;
  /** Tells an event; may fail where it is told again then. */
  readonly announce: (event: PaymentEvent) => Promise<void> | undefined;
}

interface Self extends LifeOptions {
  state: Pick<State, 'payments' | 'idempotency'>;
  service: PaymentService;
  readonly known: Known[];
  /** As they were told, without those that failed. */
  readonly told: PaymentEvent[];
  /** Ids of events that contradict their payment. */
  readonly contradictions: Set<string>;
}

/** Begins without any payments. */
export async function startPaymentLife(options: LifeOptions): Promise<PaymentLife> {
  const told: PaymentEvent[] = [];
  const self: Self = {
    ...options,
    ...(await openService(options, told)),
    told,
    known: [],
    contradictions: new Set(),
  };
  return {
    async step(step) {
      await doStep(self, step);
      await checkAll(self);
    },
    isQuiet: () => isQuiet(self),
    checkTold: () => checkTold(self),
  };
}

async function openService(
  { clock, open, announce }: LifeOptions,
  told: PaymentEvent[],
): Promise<Pick<Self, 'state' | 'service'>> {
  const state = await open();
  const newId = createRandomIds();
  state.payments.start(
    createSettlement({
      clock,
      newId,
      announce: (event) => {
        const announced = announce(event);
        if (announced === undefined) {
          told.push(event);
          return undefined;
        }
        return announced.then(() => void told.push(event));
      },
      hasRoom: () => true,
      observe: () => undefined,
    }),
  );
  const service = createPaymentService({
    clock,
    outcomes: createRandomOutcomes(0.5, () => 0.5),
    newId,
    payments: state.payments,
    idempotency: state.idempotency,
    scenarioOptions: { defaultScenario: 'APPROVE', defaultDelayMs: 0, delayScenarioMs: 0, expiryMs: 0 },
    checkWebhookUrl: (address) => ({ address }),
    maxPayments: 1_000,
    observe: () => undefined,
  });
  return { state, service };
}

async function doStep(self: Self, step: Step): Promise<void> {
  switch (step.kind) {
    case 'create':
      await create(self, step);
      break;
    case 'pass':
      await self.pass(step.ms);
      break;
    case 'process':
      await process(self, step.nth);
      break;
    case 'cancel':
      await cancel(self, step);
      break;
    case 'simulate':
      await simulate(self, step);
      break;
    case 'list':
      await checkList(self, step.pageSize);
      break;
    case 'restart':
      await self.close();
      Object.assign(self, await openService(self, self.told));
      break;
  }
}

async function create(
  self: Self,
  { amount, fails, delayMs, refund }: Step & { kind: 'create' },
): Promise<void> {
  const id = await self.service.create({
    reservationId: 'reservation-1',
    userId: 'user-1',
    money: { amount: BigInt(amount), currency: 'KRW' },
    scenario: fails ? 'FAIL' : 'APPROVE',
    webhookUrl: '',
    idempotencyKey: '',
    simulation: { delayMs, refund: refund && { outcome: undefined, ...refund } },
  });
  self.known.push({ id, amount, before: undefined, acknowledged: new Map() });
}

function pick({ known }: Self, nth: number): Known | undefined {
  return known.at(-1 - (nth % Math.max(known.length, 1)));
}

async function read({ state }: Self, { id }: Known): Promise<Payment> {
  const payment = await state.payments.get(id);
  expect(payment).toBeDefined();
  return payment as Payment;
}

async function process(self: Self, nth: number): Promise<void> {
  const known = pick(self, nth);
  if (known !== undefined) {
    const processed = await self.service.process({ paymentId: known.id, idempotencyKey: '' });
    const stored = await read(self, known);
    expect(stored).toMatchObject({ eventId: processed.eventId, transactionId: processed.transactionId });
  }
}

/** What is thrown for `reason` kinds, told as their kind. */
async function outcomeOf<T>(call: Promise<T>): Promise<{ readonly value: T } | { readonly refused: string }> {
  try {
    return { value: await call };
  } catch (error) {
    if (error instanceof PaymentError) {
      return { refused: error.reason.kind };
    }
    throw error;
  }
}

async function cancel(self: Self, { nth, amount, key }: Step & { kind: 'cancel' }): Promise<void> {
  const known = pick(self, nth);
  if (known === undefined) {
    return;
  }
  const before = await read(self, known);
  // A key of its own for each payment and amount, as callers have it.
  const idempotencyKey = key === '' ? '' : `${key} ${known.id} ${amount}`;
  const input = {
    paymentId: known.id,
    reason: '',
    refundAmount: amount === undefined ? undefined : { amount: BigInt(amount), currency: 'KRW' },
    idempotencyKey,
  };
  const outcome = await outcomeOf(self.service.cancel(input));
  if ('value' in outcome) {
    const { refund, status } = outcome.value;
    if (refund !== undefined) {
      known.acknowledged.set(refund.id, refund.money.amount);
    }
    expect(refund === undefined).toBe(status === 'CANCELLED');
    if (idempotencyKey !== '') {
      expect(await outcomeOf(self.service.cancel(input))).toMatchObject({
        value: refund === undefined ? { refund } : { refund: { id: refund.id } },
      });
    }
  } else {
    expect(['conflict', 'refund-declined']).toContain(outcome.refused);
  }
  if (self.isExact && idempotencyKey === '') {
    expect('value' in outcome ? 'done' : outcome.refused).toBe(expectedOf(before, amount));
  }
}

/** What becomes of a cancellation of a payment that is so. */
function expectedOf(payment: Payment, amount: number | undefined): 'done' | 'conflict' | 'refund-declined' {
  if (!isSettled(payment)) {
    return amount === undefined ? 'done' : 'conflict';
  }
  const left = refundableAmount(payment);
  if (left === 0 || (amount ?? 0) > left) {
    return 'conflict';
  }
  const { delayMs = 0, failureCode } = payment.extras?.refundPlan ?? {};
  return delayMs === 0 && failureCode !== undefined ? 'refund-declined' : 'done';
}

async function simulate(
  self: Self,
  { nth, target, delaySeconds, force }: Step & { kind: 'simulate' },
): Promise<void> {
  const known = pick(self, nth);
  if (known === undefined) {
    return;
  }
  const before = await read(self, known);
  const outcome = await outcomeOf(
    self.service.simulateWebhook({ paymentId: known.id, target, delaySeconds, force }),
  );
  if (!('value' in outcome)) {
    expect(outcome.refused).toBe('conflict');
    return;
  }
  const { eventId } = outcome.value;
  const after = await read(self, known);
  const own = isSettled(after) ? [after.eventId, ...(after.aftermath?.eventIds ?? [])] : [];
  if (eventId !== '' && !own.includes(eventId)) {
    expect(force).toBe(true);
    self.contradictions.add(eventId);
  }
  if (self.isExact && isSettled(before)) {
    expect(own.includes(eventId)).toBe(before.status === target);
    expect(after).toEqual(before);
  }
}

async function checkList(self: Self, pageSize: number): Promise<void> {
  const query = { userId: 'user-1', reservationId: '', status: undefined, pageSize, page: 0 } as const;
  const listed: Payment[] = [];
  for (let cursor = ''; ;) {
    const page = await self.service.list({ ...query, cursor });
    expect(page.totalCount).toBe(self.known.length);
    listed.push(...page.payments);
    if (!page.hasOlder) {
      break;
    }
    cursor = page.olderCursor;
  }
  expect(listed).toEqual(listed.toSorted(comparePositions));
  expect(listed.map(({ id }) => id).toSorted()).toEqual(self.known.map(({ id }) => id).toSorted());
}

/** What holds all the time. */
async function checkAll(self: Self): Promise<void> {
  for (const known of self.known) {
    const payment = await read(self, known);
    checkChange(known.before, payment);
    const refunds = isSettled(payment) ? (payment.aftermath?.refunds ?? []) : [];
    const taken = refunds.filter(({ status }) => status !== 'FAILED').map(({ amount }) => amount);
    expect(taken.reduce((sum, amount) => sum + amount, 0)).toBeLessThanOrEqual(known.amount);
    expect(payment.status === 'REFUNDED').toBe(refundedAmount(payment) === known.amount);
    expect(new Set(refunds.map(({ id }) => id)).size).toBe(refunds.length);
    for (const [id, amount] of known.acknowledged) {
      expect(refunds.find((refund) => refund.id === id)?.amount).toBe(amount);
    }
    known.before = payment;
  }
}

function checkChange(before: Payment | undefined, after: Payment): void {
  const from = before?.status ?? 'PENDING';
  expect(canReach(from, after.status), `from ${from} to ${after.status}`).toBe(true);
  if (before !== undefined && isSettled(before) && isSettled(after)) {
    const { status, aftermath, ...settlement } = before;
    expect(after).toMatchObject(settlement);
    const { eventIds = [], refunds = [] } = after.aftermath ?? {};
    // Nothing that happened is taken back.
    expect(eventIds.slice(0, aftermath?.eventIds.length ?? 0)).toEqual(aftermath?.eventIds ?? []);
    for (const [at, refund] of (aftermath?.refunds ?? []).entries()) {
      expect(refunds[at]).toMatchObject(refund.status === 'PENDING' ? { id: refund.id } : refund);
    }
    expect(status === 'COMPLETED' || after.status === status).toBe(true);
  }
}

/** In any number of changes. */
function canReach(from: PaymentStatus, to: PaymentStatus): boolean {
  return from === to || canTransition(from, to) || (from === 'PENDING' && to === 'REFUNDED');
}

function ownIds(payment: Payment): readonly string[] {
  return isSettled(payment) ? [payment.eventId, ...(payment.aftermath?.eventIds ?? [])] : [];
}

async function isQuiet(self: Self): Promise<boolean> {
  const told = new Set(self.told.map(({ id }) => id));
  for (const known of self.known) {
    const payment = await read(self, known);
    const refunds = isSettled(payment) ? (payment.aftermath?.refunds ?? []) : [];
    const isOver = isSettled(payment) && refunds.every(({ status }) => status !== 'PENDING');
    if (!isOver || !ownIds(payment).every((id) => told.has(id))) {
      return false;
    }
  }
  return [...self.contradictions].every((id) => told.has(id));
}

async function checkTold(self: Self): Promise<void> {
  await checkAll(self);
  for (const known of self.known) {
    const payment = await read(self, known);
    const own = ownIds(payment);
    const all = self.told.filter((event) => event.payment.id === known.id);
    const events = all.filter(({ id }) => !self.contradictions.has(id));
    for (const { id, sequence } of events) {
      expect(own[sequence - 1]).toBe(id);
    }
    // In their order, each with its number; those that are told again come later.
    const firsts = events.filter(({ id }, at) => events.findIndex((event) => event.id === id) === at);
    expect(firsts.map(({ sequence }) => sequence)).toEqual(own.map((_, at) => at + 1));
    const last = firsts.at(-1);
    expect(last?.payment.status).toBe(payment.status);
    for (const event of firsts.slice(1)) {
      const isWhole = event.payment.status === 'REFUNDED';
      expect(event.type).toBe(isWhole ? 'payment.status_updated' : 'payment.refund_updated');
      expect(event.refund).toBeDefined();
    }
    const refunded = firsts.map(({ refund }) => refund?.refundedAmount ?? 0);
    expect(refunded).toEqual(refunded.toSorted((a, b) => a - b));
    expect(refunded.at(-1)).toBe(refundedAmount(payment));
  }
}

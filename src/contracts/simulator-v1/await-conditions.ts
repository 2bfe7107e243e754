import { Code } from '../../../gen/google/rpc/code_pb.js';
import type { CallFilter, DeliveryFilter, PaymentFilter } from '../../../gen/simulator/v1/simulator_pb.js';
import { isSettled, type Payment } from '../../payment/payment.ts';
import type { Payments } from '../../payment/ports.ts';
import type { Condition, Found } from '../../simulator/journal/await.ts';
import { type LoggedDelivery, noPageLimit } from '../../simulator/journal/delivery-log.ts';
import type { CallEntry, ToldEntry } from '../../simulator/journal/entry.ts';
import { noLimits, type PlacedEntry } from '../../simulator/journal/journal.ts';
import { type Criterion, describeNearMisses } from '../../simulator/journal/near-misses.ts';
import type { ReadableJournal } from '../../simulator/journal/ports.ts';
import { isInScope } from '../../simulator/session.ts';

/* What may be waited for, in the words of the contract. */

/** A call with its place. */
export type PlacedCall = PlacedEntry & { readonly entry: CallEntry };

/** Of a session; undefined: of all. */
type Scope = string | undefined;

/** So many payments are looked at, the newest, for what the store cannot count: why they failed, and near misses. */
const maxLookedAt = 10_000;
/** Of those that fit. */
const maxGiven = 100;

/** Payments that fit. */
export function paymentCondition(
  payments: Pick<Payments, 'get' | 'list'>,
  filter: PaymentFilter,
  status: Payment['status'] | undefined,
  scope: Scope,
): Condition<Payment> {
  const { paymentIntentId: id, userId, reservationId, failureCode } = filter;
  const criteria = [
    ...textCriterion<Payment>('user_id', userId, (payment) => payment.userId),
    ...textCriterion<Payment>('reservation_id', reservationId, (payment) => payment.reservationId),
    ...textCriterion<Payment>('status', status ?? '', (payment) => payment.status),
    ...textCriterion<Payment>('failure_code', failureCode, (payment) =>
      isSettled(payment) ? (payment.failureCode ?? '') : '',
    ),
  ];
  const page = (ofThose: object, limit: number) =>
    payments.list({ filter: { sessionId: scope, ...ofThose }, from: undefined, skip: 0, limit });
  return {
    async find() {
      if (id !== '') {
        return foundIn([await payments.get(id)].filter(isThere), criteria);
      }
      const wanted = { userId: userId || undefined, reservationId: reservationId || undefined, status };
      const found = await page(wanted, failureCode === '' ? maxGiven : maxLookedAt);
      return failureCode === ''
        ? { count: found.totalCount, newest: found.payments }
        : foundIn(found.payments, criteria);
    },
    nearMisses: async () =>
      describeNearMisses(
        id === '' ? (await page({}, maxLookedAt)).payments : [await payments.get(id)].filter(isThere),
        criteria,
      ),
    mayAdd: (entry) =>
      entry.kind === 'transition' && isOf(entry, id, scope) && fitsAll(entry.payment, criteria),
  };
}

/** Deliveries that fit. */
export function deliveryCondition(
  { deliveries }: Pick<ReadableJournal, 'deliveries'>,
  filter: DeliveryFilter,
  wanted: {
    readonly channel: LoggedDelivery['channel'] | undefined;
    readonly status: LoggedDelivery['status'] | undefined;
    readonly paymentStatus: Payment['status'] | undefined;
  },
  scope: Scope,
): Condition<LoggedDelivery> {
  const { paymentIntentId: id, minAttempts } = filter;
  const among = id === '' ? { sessionId: scope } : { paymentId: id };
  type Head = Pick<LoggedDelivery, 'event' | 'channel' | 'status'>;
  const ofHead: readonly Criterion<Head>[] = [
    ...textCriterion<Head>('event_id', filter.eventId, ({ event }) => event.id),
    ...textCriterion<Head>('channel', wanted.channel ?? '', ({ channel }) => channel),
    ...textCriterion<Head>('status', wanted.status ?? '', ({ status }) => status),
    ...textCriterion<Head>('payment_status', wanted.paymentStatus ?? '', ({ event }) => event.payment.status),
  ];
  const attempts: Criterion<LoggedDelivery> = {
    name: 'min_attempts',
    fits: (delivery) => delivery.attempts.length >= minAttempts,
    tell: (delivery) => `with ${delivery.attempts.length}`,
  };
  const criteria: readonly Criterion<LoggedDelivery>[] = [...ofHead, ...(minAttempts > 0 ? [attempts] : [])];
  const all = () => deliveries.list(among, undefined, noPageLimit).deliveries;
  return {
    find: () => foundIn(all(), criteria),
    nearMisses: () => describeNearMisses(all(), criteria),
    // One that was taken stays so, whatever an attempt tells.
    mayAdd: (entry) =>
      entry.kind === 'delivery' && isOf(entry, id, scope) && (minAttempts > 0 || fitsAll(entry, ofHead)),
  };
}

/** Calls that fit. */
export function callCondition(
  journal: ReadableJournal,
  filter: CallFilter,
  scope: Scope,
): Condition<PlacedCall> {
  const { paymentIntentId: id, method, code, ruleId } = filter;
  const rule: Criterion<PlacedCall> = {
    name: 'rule_id',
    fits: ({ entry }) => entry.ruleIds.includes(ruleId),
    tell: ({ entry }) => entry.ruleIds.join(' and '),
  };
  const criteria = [
    ...textCriterion<PlacedCall>('method', method, ({ entry }) => entry.method),
    ...textCriterion<PlacedCall>('code', code === undefined ? '' : nameOfCode(code), ({ entry }) =>
      nameOfCode(entry.code),
    ),
    ...(ruleId === '' ? [] : [rule]),
  ];
  const isCallOf = (entry: ToldEntry): entry is CallEntry => entry.kind === 'call' && isOf(entry, id, scope);
  const all = () => journal.read(journal.oldest(), isCallOf, noLimits).entries.filter(isCall).toReversed();
  return {
    find: () => foundIn(all(), criteria),
    nearMisses: () => describeNearMisses(all(), criteria),
    mayAdd: (entry) => isCallOf(entry) && fitsAll({ position: 0, entry }, criteria),
  };
}

function foundIn<T>(candidates: readonly T[], criteria: readonly Criterion<T>[]): Found<T> {
  const fitting = candidates.filter((candidate) => fitsAll(candidate, criteria));
  return { count: fitting.length, newest: fitting.slice(0, maxGiven) };
}

function fitsAll<T>(candidate: T, criteria: readonly Criterion<T>[]): boolean {
  return criteria.every(({ fits }) => fits(candidate));
}

function isThere(payment: Payment | undefined): payment is Payment {
  return payment !== undefined;
}

function isCall(placed: PlacedEntry): placed is PlacedCall {
  return placed.entry.kind === 'call';
}

function nameOfCode(code: number): string {
  return Code[code] ?? String(code);
}

function isOf(entry: ToldEntry, paymentId: string, scope: Scope): boolean {
  return paymentId === '' ? isInScope(entry.sessionId, scope) : entry.paymentId === paymentId;
}

/** Nothing for a text that is not given. */
function textCriterion<T>(
  name: string,
  wanted: string,
  textOf: (candidate: T) => string,
): readonly Criterion<T>[] {
  return wanted === '' ? [] : [{ name, fits: (candidate) => textOf(candidate) === wanted, tell: textOf }];
}

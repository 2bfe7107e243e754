import type { CallFilter, DeliveryFilter, PaymentFilter } from '../../../gen/simulator/v1/simulator_pb.js';
import type { Payment } from '../../payment/payment.ts';
import { isSettled } from '../../payment/payment.ts';
import type { Payments } from '../../payment/ports.ts';
import type { Condition } from '../../simulator/journal/await.ts';
import type { Criterion } from '../../simulator/journal/near-misses.ts';
import type { LoggedDelivery } from '../../simulator/journal/delivery-log.ts';
import type { CallEntry, ToldEntry } from '../../simulator/journal/entry.ts';
import type { PlacedEntry } from '../../simulator/journal/journal.ts';
import type { ReadableJournal } from '../../simulator/journal/ports.ts';
import { grpcCodeNames } from './grpc-code-names.ts';

/* What may be waited for, in the words of the contract. */

/** A call with its place. */
export type PlacedCall = PlacedEntry & { readonly entry: CallEntry };

/** Of a session; undefined: of all. */
type Scope = string | undefined;

/** So many payments are looked at, the newest. */
const maxPayments = 1_000;

/** Payments that fit. */
export function paymentCondition(
  payments: Pick<Payments, 'get' | 'list'>,
  filter: PaymentFilter,
  status: Payment['status'] | undefined,
  scope: Scope,
): Condition<Payment> {
  const { paymentIntentId: id } = filter;
  return {
    async candidates() {
      if (id !== '') {
        return [await payments.get(id)].filter((payment) => payment !== undefined);
      }
      const ofSession = scope === undefined ? {} : { sessionId: scope };
      return (await payments.list({ filter: ofSession, from: undefined, skip: 0, limit: maxPayments }))
        .payments;
    },
    criteria: [
      ...textCriterion<Payment>('user_id', filter.userId, ({ userId }) => userId),
      ...textCriterion<Payment>('reservation_id', filter.reservationId, ({ reservationId }) => reservationId),
      ...textCriterion<Payment>('status', status ?? '', (payment) => payment.status),
      ...textCriterion<Payment>('failure_code', filter.failureCode, (payment) =>
        isSettled(payment) ? (payment.failureCode ?? '') : '',
      ),
    ],
    isAbout: (entry) => entry.kind === 'transition' && isOf(entry, id, scope),
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
  const among = id !== '' ? { paymentId: id } : scope === undefined ? {} : { sessionId: scope };
  const attempts: Criterion<LoggedDelivery> = {
    name: 'min_attempts',
    fits: (delivery) => delivery.attempts.length >= minAttempts,
    tell: (delivery) => `with ${delivery.attempts.length}`,
  };
  return {
    candidates: () => deliveries.list(among, undefined, Infinity).deliveries,
    criteria: [
      ...textCriterion<LoggedDelivery>('event_id', filter.eventId, ({ event }) => event.id),
      ...textCriterion<LoggedDelivery>('channel', wanted.channel ?? '', ({ channel }) => channel),
      ...textCriterion<LoggedDelivery>('status', wanted.status ?? '', ({ status }) => status),
      ...textCriterion<LoggedDelivery>(
        'payment_status',
        wanted.paymentStatus ?? '',
        ({ event }) => event.payment.status,
      ),
      ...(minAttempts > 0 ? [attempts] : []),
    ],
    isAbout: (entry) => entry.kind === 'delivery' && isOf(entry, id, scope),
  };
}

/** Calls that fit. */
export function callCondition(
  journal: ReadableJournal,
  filter: CallFilter,
  scope: Scope,
): Condition<PlacedCall> {
  const { paymentIntentId: id, method, code, ruleId } = filter;
  const isAbout = (entry: ToldEntry) => entry.kind === 'call' && isOf(entry, id, scope);
  const rule: Criterion<PlacedCall> = {
    name: 'rule_id',
    fits: ({ entry }) => entry.ruleIds.includes(ruleId),
    tell: ({ entry }) => entry.ruleIds.join(' and '),
  };
  return {
    candidates() {
      const all = { entries: Infinity, looked: Infinity };
      return journal.read(journal.oldest(), isAbout, all).entries.filter(isCall).toReversed();
    },
    criteria: [
      ...textCriterion<PlacedCall>('method', method, ({ entry }) => entry.method),
      ...textCriterion<PlacedCall>('code', code === undefined ? '' : nameOfCode(code), ({ entry }) =>
        nameOfCode(entry.code),
      ),
      ...(ruleId === '' ? [] : [rule]),
    ],
    isAbout,
  };
}

function isCall(placed: PlacedEntry): placed is PlacedCall {
  return placed.entry.kind === 'call';
}

function nameOfCode(code: number): string {
  return grpcCodeNames[code] ?? String(code);
}

function isOf(entry: ToldEntry, paymentId: string, scope: Scope): boolean {
  return paymentId === ''
    ? scope === undefined || (entry.sessionId ?? '') === scope
    : entry.paymentId === paymentId;
}

/** Nothing for a text that is not given. */
function textCriterion<T>(
  name: string,
  wanted: string,
  textOf: (candidate: T) => string,
): readonly Criterion<T>[] {
  return wanted === '' ? [] : [{ name, fits: (candidate) => textOf(candidate) === wanted, tell: textOf }];
}

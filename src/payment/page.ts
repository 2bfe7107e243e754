import type { Payment, PaymentStatus } from './payment.ts';

/** Where a payment stands in a list: by its creation, and among those of one millisecond by its id. */
export interface ListPosition {
  readonly createdAtMs: number;
  readonly id: string;
}

/** Which payments; those for which all that is given holds. */
export interface PaymentFilter {
  readonly userId?: string | undefined;
  readonly reservationId?: string | undefined;
  readonly status?: PaymentStatus | undefined;
  /** The tester's session; empty: those of none. */
  readonly sessionId?: string | undefined;
}

/** Which page of them. */
export interface PageQuery {
  readonly filter: PaymentFilter;
  /** Begins next to this position, without it; at the newest unless given. */
  readonly from: { readonly position: ListPosition; readonly direction: 'older' | 'newer' } | undefined;
  /** So many are left out before the page begins. */
  readonly skip: number;
  readonly limit: number;
  /** Whether to count by session too. */
  readonly bySession?: boolean;
}

/** How many payments there are, by status; without those of which there are none. */
export type CountByStatus = Readonly<Partial<Record<PaymentStatus, number>>>;

/** Part of a list, the newest first. */
export interface PaymentPage {
  readonly payments: readonly Payment[];
  /** How many fit the filter in all. */
  readonly totalCount: number;
  /** The same by status. */
  readonly countByStatus: CountByStatus;
  /** The same of each session that has any, if that was asked for; those of none have the empty name. */
  readonly countBySession?: ReadonlyMap<string, CountByStatus>;
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

/** Finds a page among payments that come in any order, and keeps no more of them than it needs. */
export interface PageSelection {
  offer(payment: Payment): void;
  page(): PaymentPage;
}

/** Below 0 when `a` is the newer one. No two payments are equal. */
export function comparePositions(a: ListPosition, b: ListPosition): number {
  if (a.createdAtMs !== b.createdAtMs) {
    return b.createdAtMs - a.createdAtMs;
  }
  return a.id > b.id ? -1 : Number(a.id < b.id);
}

interface State {
  readonly query: PageQuery;
  /** The next ones in the direction of the query, the nearest last; no fewer than `wanted`, if there are so many. */
  found: Payment[];
  /** Below 0 when `a` is nearer to where the page begins. */
  readonly compare: (a: Payment, b: Payment) => number;
  /** How many are to be found: those to be left out, the page, and one to see whether more follow. */
  readonly wanted: number;
  totalCount: number;
  readonly countByStatus: Partial<Record<PaymentStatus, number>>;
  /** Undefined where nobody asks. */
  readonly countBySession: Map<string, Partial<Record<PaymentStatus, number>>> | undefined;
  /** Whether there are any on the other side of where the page begins. */
  hasOther: boolean;
}

/** See `PageSelection`. */
export function createPageSelection(query: PageQuery): PageSelection {
  const self: State = {
    query,
    found: [],
    compare: query.from?.direction === 'newer' ? (a, b) => comparePositions(b, a) : comparePositions,
    wanted: query.skip + query.limit + 1,
    totalCount: 0,
    countByStatus: {},
    countBySession: query.bySession === true ? new Map() : undefined,
    hasOther: false,
  };
  return {
    offer: (payment) => offer(self, payment),
    page: () => toPage(self),
  };
}

function offer(self: State, payment: Payment): void {
  const { filter, from } = self.query;
  if (!fitsFilter(payment, filter)) {
    return;
  }
  self.totalCount += 1;
  self.countByStatus[payment.status] = (self.countByStatus[payment.status] ?? 0) + 1;
  if (self.countBySession !== undefined) {
    countIn(self.countBySession, payment);
  }
  const side = from === undefined ? 1 : comparePositions(payment, from.position);
  if (from !== undefined && (from.direction === 'older' ? side <= 0 : side >= 0)) {
    self.hasOther = true;
    return;
  }
  insert(self, payment);
}

function countIn(counts: Map<string, Partial<Record<PaymentStatus, number>>>, payment: Payment): void {
  const sessionId = payment.extras?.sessionId ?? '';
  const ofSession = counts.get(sessionId) ?? {};
  ofSession[payment.status] = (ofSession[payment.status] ?? 0) + 1;
  counts.set(sessionId, ofSession);
}

/** Payments come nearly in the order of their creation: mostly at one end, or not at all. */
function insert(self: State, payment: Payment): void {
  const { found, wanted, compare } = self;
  const farthest = found[found.length - wanted];
  if (farthest !== undefined && compare(farthest, payment) < 0) {
    return;
  }
  let at = found.length;
  for (let last = found[at - 1]; last !== undefined && compare(last, payment) < 0; last = found[at - 1]) {
    at -= 1;
  }
  found.splice(at, 0, payment);
  if (found.length >= 2 * wanted) {
    self.found = found.slice(-wanted);
  }
}

function toPage(self: State): PaymentPage {
  const { query, hasOther, countBySession } = self;
  const counts = {
    totalCount: self.totalCount,
    countByStatus: self.countByStatus,
    ...(countBySession !== undefined && { countBySession }),
  };
  const found = self.found.slice(-self.wanted).toReversed();
  const chosen = found.slice(query.skip, query.skip + query.limit);
  const hasMore = found.length > query.skip + query.limit;
  const hasBefore = hasOther || (query.skip > 0 && found.length > 0);
  return query.from?.direction === 'newer'
    ? { payments: chosen.toReversed(), ...counts, hasOlder: hasBefore, hasNewer: hasMore }
    : { payments: chosen, ...counts, hasOlder: hasMore, hasNewer: hasBefore };
}

/** Whether a payment is one of those. */
export function fitsFilter(
  payment: Payment,
  { userId, reservationId, status, sessionId }: PaymentFilter,
): boolean {
  return (
    (userId === undefined || payment.userId === userId) &&
    (reservationId === undefined || payment.reservationId === reservationId) &&
    (status === undefined || payment.status === status) &&
    (sessionId === undefined || (payment.extras?.sessionId ?? '') === sessionId)
  );
}

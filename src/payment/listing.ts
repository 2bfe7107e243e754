import { isJsonObject } from '../base/json.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { ListPosition, PageQuery, PaymentFilter } from './page.ts';
import type { Payment, PaymentStatus } from './payment.ts';
import type { Payments } from './ports.ts';
import { add, checkId, throwIfAny, type Violations } from './violations.ts';
import { wantedStatus } from './wanted-values.ts';

/** ListPayments as it came in; empty texts are none, and so are numbers that are 0. */
export interface ListInput {
  readonly userId: string;
  readonly reservationId: string;
  /** `'unknown'`: a number that no status has. */
  readonly status: PaymentStatus | undefined | 'unknown';
  /** Counts from 1. */
  readonly page: number;
  readonly pageSize: number;
  readonly cursor: string;
  /** The tester's session; empty: those of none; undefined: all. */
  readonly sessionId?: string | undefined;
}

/** A page, the newest first. */
export interface ListedPayments {
  readonly payments: readonly Payment[];
  readonly totalCount: number;
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** Empty without any. */
  readonly olderCursor: string;
  readonly newerCursor: string;
}

type Direction = 'older' | 'newer';

const defaultPageSize = 50;
const maxPageSize = 1_000;

/** Lists payments. */
export async function listPayments(payments: Payments, input: ListInput): Promise<ListedPayments> {
  const query = validateList(input);
  const page = await payments.list(query);
  const [newest, oldest] = [page.payments[0], page.payments.at(-1)];
  const cursorAt = (direction: Direction, position: ListPosition | undefined) =>
    position === undefined ? '' : encodeCursor(direction, position, query.filter);
  return {
    ...page,
    olderCursor: page.hasOlder ? cursorAt('older', oldest) : '',
    newerCursor: page.hasNewer ? cursorAt('newer', newest) : '',
  };
}

function validateList(input: ListInput): PageQuery {
  const { userId, reservationId, status, page, pageSize, cursor, sessionId } = input;
  const violations: Violations = [];
  checkId(violations, 'user_id', userId);
  checkId(violations, 'reservation_id', reservationId);
  if (status === 'unknown') {
    add(violations, 'status', `must be ${wantedStatus}`);
  }
  if (page < 0) {
    add(violations, 'pagination.page', 'must not be below 0: 0 and 1 are the first page');
  }
  if (pageSize < 0) {
    add(violations, 'pagination.page_size', `must not be below 0: 0 is ${defaultPageSize}`);
  }
  if (cursor !== '' && page > 0) {
    add(violations, 'pagination.page', 'must not be given together with a cursor');
  }
  const filter: PaymentFilter = {
    userId: userId || undefined,
    reservationId: reservationId || undefined,
    status: status === 'unknown' ? undefined : status,
    sessionId,
  };
  const from = cursor === '' ? undefined : decodeCursor(violations, cursor, filter);
  throwIfAny(violations);
  const limit = Math.min(pageSize || defaultPageSize, maxPageSize);
  return { filter, from, skip: Math.max(0, page - 1) * limit, limit };
}

/** So that a cursor is not taken for one of another list. */
function digestOf({ userId, reservationId, status, sessionId }: PaymentFilter): string {
  return fingerprintOf([userId, reservationId, status, sessionId]).slice(0, 8);
}

function encodeCursor(
  direction: Direction,
  { createdAtMs, id }: ListPosition,
  filter: PaymentFilter,
): string {
  const fields = { direction, createdAtMs, id, list: digestOf(filter) };
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

function decodeCursor(violations: Violations, cursor: string, filter: PaymentFilter): PageQuery['from'] {
  const { direction, createdAtMs, id, list } = readFields(cursor);
  const isOurs =
    (direction === 'older' || direction === 'newer') &&
    typeof createdAtMs === 'number' &&
    typeof id === 'string';
  if (!isOurs) {
    add(violations, 'pagination.cursor', 'must be next_cursor or previous_cursor of an earlier answer');
    return undefined;
  }
  if (list !== digestOf(filter)) {
    add(violations, 'pagination.cursor', 'is of a list with other filters; begin anew without it');
  }
  return { direction, position: { createdAtMs, id } };
}

function readFields(cursor: string): Readonly<Record<string, unknown>> {
  try {
    const fields: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return isJsonObject(fields) ? fields : {};
  } catch {
    return {};
  }
}

import { invalidField } from '../../payment/errors.ts';
import type { ReadableJournal } from './ports.ts';

/** A place in a journal. */
export interface Place {
  /** The position of the next entry to be looked at. */
  readonly next: number;
  /** Whether the place was in another journal, which is no more. */
  readonly isOfAnother: boolean;
}

/** The cursor for everything that is remembered. */
export const oldestCursor = 'oldest';
const pattern = /^(\d{1,16})-(\d{1,16})$/;

/** Names the place behind an entry. */
export function cursorOf(journal: Pick<ReadableJournal, 'life'>, position: number): string {
  return `${journal.life()}-${position}`;
}

/**
 * The place that a cursor names; what happens from now on for an empty one.
 *
 * @throws PaymentError `invalid-request` for what no cursor of this journal or an earlier one can be.
 */
export function readCursor(journal: ReadableJournal, cursor: string): Place {
  if (cursor === '') {
    return { next: journal.next(), isOfAnother: false };
  }
  if (cursor === oldestCursor) {
    return { next: journal.oldest(), isOfAnother: false };
  }
  const [, life, position] = pattern.exec(cursor) ?? [];
  const next = Number(position) + 1;
  const isOfAnother = Number(life) !== journal.life();
  if (life === undefined || (!isOfAnother && next > journal.next())) {
    throw invalidField(
      'cursor',
      `must be that of an entry or message of Watch, or "${oldestCursor}"; empty begins with what happens from now on`,
    );
  }
  return isOfAnother ? { next: journal.oldest(), isOfAnother } : { next, isOfAnother };
}

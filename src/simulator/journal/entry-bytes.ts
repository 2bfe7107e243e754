import type { PaymentExtras } from '../../payment/payment.ts';
import type { Attempt, JournalEntry } from './entry.ts';

/*
 * What entries take in memory, in bytes. An estimate, as V8 does not tell what an object takes; measured on Node
 * 24 by `test/faults/journal-memory.faults.ts`. Texts count two bytes a character.
 */

const entryBytes = 140;
/** A payment as it was at that time, and its ids. */
const paymentBytes = 330;
/** An event with its ids and its part of the payment. */
const eventBytes = 320;
/** An attempt without its texts. */
const attemptBytes = 180;

/** What an entry takes. */
export function bytesOfEntry(entry: JournalEntry): number {
  switch (entry.kind) {
    case 'call':
      return entryBytes + entry.textBytes + 2 * entry.message.length;
    case 'transition':
      return entryBytes + paymentBytes + bytesOfExtras(entry.payment.extras);
    case 'delivery':
      return (
        entryBytes +
        eventBytes +
        2 * (entry.error?.length ?? 0) +
        (entry.attempt === undefined ? 0 : bytesOfAttempt(entry.attempt))
      );
    case 'reset':
    case 'gap':
      return entryBytes;
  }
}

/** What an attempt takes. */
export function bytesOfAttempt({ textBytes, answer, error = '' }: Attempt): number {
  return attemptBytes + textBytes + 2 * (answer.length + error.length);
}

/** What the attempts of a delivery take. */
export function bytesOfAttempts({ attempts }: { readonly attempts: readonly Attempt[] }): number {
  return attempts.reduce((sum, attempt) => sum + bytesOfAttempt(attempt), 0);
}

/** What callers may make long. */
function bytesOfExtras(extras: PaymentExtras | undefined): number {
  if (extras?.metadata === undefined) {
    return 0;
  }
  const { tags, ...texts } = extras.metadata;
  const all = [...Object.values(texts), ...Object.entries(tags).flat()];
  return all.reduce((sum, text) => sum + 24 + 2 * text.length, 0);
}

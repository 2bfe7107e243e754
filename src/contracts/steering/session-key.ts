import type { HandlerContext } from '@connectrpc/connect';
import { invalidField } from '../../payment/errors.ts';
import { sessionHeader } from '../../webhook-format/signature.ts';
import { allSessions, isSessionKey, wantedHeaderText } from '../../simulator/session.ts';
import type { CallReaders } from '../call-readers.ts';

/** The entry of W3C baggage, which services pass on without knowing it. https://www.w3.org/TR/baggage/ */
const baggageEntry = 'payment-sim.session';

/**
 * Of somebody who looks at what others do, such as the console: with it a call that only reads is not steered, renews no
 * session, and is not in the journal.
 */
export const observerHeader = 'payment-sim-observer';

/** All that may name a session. */
export const sessionHeaders: readonly string[] = [sessionHeader, 'baggage'];

/**
 * The session that a call names: by its own header, or else in its baggage. Undefined when it names none.
 *
 * @param allowAll whether it may be `*`, which is all sessions.
 * @throws PaymentError `invalid-request` for a key that cannot be one.
 */
export function readSessionKey(
  { readHeader }: Pick<CallReaders, 'readHeader'>,
  context: HandlerContext,
  allowAll = false,
): string | undefined {
  const header = readHeader(context, sessionHeader);
  if (header !== undefined) {
    return checkKey(header, sessionHeader, allowAll);
  }
  const baggage = readHeader(context, 'baggage');
  const entry = baggage?.includes(baggageEntry) === true ? readBaggage(baggage) : undefined;
  return entry === undefined ? undefined : checkKey(entry, `baggage ${baggageEntry}`, allowAll);
}

function checkKey(key: string, field: string, allowAll: boolean): string {
  if (isSessionKey(key) || (allowAll && key === allSessions)) {
    return key;
  }
  const description =
    key === allSessions
      ? 'must be one session: "*" is all of them, for what lists, awaits, watches, resends or resets'
      : `must be ${wantedHeaderText}`;
  throw invalidField(field, description);
}

/** The value of the entry, percent-decoded, without its properties. */
function readBaggage(baggage: string): string | undefined {
  for (const member of baggage.split(',')) {
    const [pair = ''] = member.split(';', 1);
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === baggageEntry) {
      return decode(pair.slice(at + 1).trim());
    }
  }
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

import type {
  Attempt,
  CallEntry,
  DeliveryEntry,
  GapEntry,
  JournalEntry,
  ResetEntry,
  TransitionEntry,
} from '../../simulator/journal/entry.ts';

/* Entries of the journal as Redis has them: plain data in JSON, with the texts that memory makes when they are read. */

/** Of the entries in this file. Another release's are passed over. */
const form = 1;

interface CallRecord extends Omit<CallEntry, 'texts'> {
  readonly request: string;
  readonly answer: string;
}

interface AttemptRecord extends Omit<Attempt, 'texts'> {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface DeliveryRecord extends Omit<DeliveryEntry, 'attempt'> {
  readonly attempt?: AttemptRecord;
}

type EntryRecord = CallRecord | TransitionEntry | DeliveryRecord | ResetEntry | GapEntry;

/** What JSON cannot say is not there, and means the same. */
export function encodeEntry(entry: JournalEntry): string {
  return JSON.stringify({ form, ...toRecord(entry) });
}

function toRecord(entry: JournalEntry): EntryRecord {
  switch (entry.kind) {
    case 'call': {
      const { texts, ...rest } = entry;
      return { ...rest, request: texts.request(), answer: texts.answer() };
    }
    case 'delivery': {
      const { attempt, ...rest } = entry;
      return attempt === undefined ? rest : { ...rest, attempt: toAttemptRecord(attempt) };
    }
    case 'transition':
    case 'reset':
    case 'gap':
      return entry;
  }
}

function toAttemptRecord({ texts, ...rest }: Attempt): AttemptRecord {
  return { ...rest, headers: texts.headers(), body: texts.body() };
}

/** The entry; undefined for one of another form. */
export function decodeEntry(json: string): JournalEntry | undefined {
  const record: (EntryRecord & { readonly form?: number }) | null = JSON.parse(json);
  if (record?.form !== form) {
    return undefined;
  }
  const { form: _form, ...entry } = record;
  return fromRecord(entry);
}

function fromRecord(record: EntryRecord): JournalEntry {
  switch (record.kind) {
    case 'call': {
      const { request, answer, ...rest } = record;
      const textBytes = 2 * (request.length + answer.length);
      const texts = { request: () => request, answer: () => answer };
      return { ...rest, sessionId: rest.sessionId, fault: rest.fault, texts, textBytes };
    }
    case 'delivery': {
      const { attempt, ...rest } = record;
      return { ...rest, attempt: attempt && fromAttemptRecord(attempt) };
    }
    case 'transition':
    case 'reset':
    case 'gap':
      return record;
  }
}

function fromAttemptRecord({ headers, body, ...rest }: AttemptRecord): Attempt {
  return { ...rest, texts: { headers: () => headers, body: () => body } };
}

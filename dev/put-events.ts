import { isJsonObject, type JsonObject } from '../src/base/json.ts';
import { AwsError } from './aws-json.ts';

/** One entry of a PutEvents call, as sent; any field may be missing. */
export interface PutEventsEntry {
  readonly Source: string | undefined;
  readonly DetailType: string | undefined;
  /** JSON text. */
  readonly Detail: string | undefined;
  /** Name or ARN. */
  readonly EventBusName: string | undefined;
  readonly Resources: readonly string[] | undefined;
  /** Unix seconds, fractions allowed. */
  readonly Time: number | undefined;
}

/** Why an entry was not taken. */
export interface EntryError {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

/** Most entries of one call. */
const maxEntries = 10;

/**
 * Most bytes of one call, over all its entries: 1 MiB since January 2026, before that 256 KiB. The
 * reference says "the total entry size must be less than 1MB"; exactly 1,048,576 bytes were seen to
 * pass in us-east-1.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * https://aws.amazon.com/about-aws/whats-new/2026/01/amazon-eventbridge-increases-event-payload-size-256-kb-1-mb/
 */
const maxTotalBytes = 1_048_576;

/** What `Time` counts when it is given, in bytes. */
const timeBytes = 14;

/**
 * The size of an entry in bytes by AWS's rule: the UTF-8 lengths of source, detail type, detail and
 * resources, plus 14 for a time. Neither the bus's name nor the JSON around it counts.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export function entrySizeBytes(entry: PutEventsEntry): number {
  const texts = [entry.Source ?? '', entry.DetailType ?? '', entry.Detail ?? '', ...(entry.Resources ?? [])];
  const textBytes = texts.reduce((total, text) => total + Buffer.byteLength(text), 0);
  return textBytes + (entry.Time === undefined ? 0 : timeBytes);
}

/**
 * The entries of a call that is in order as a whole.
 *
 * @throws AwsError SerializationException for wrong types, ValidationException for too few or too
 *   many entries or too many bytes.
 */
export function readEntries(input: JsonObject): readonly PutEventsEntry[] {
  const { Entries: list } = input;
  if (list === undefined || list === null) {
    throw invalid("Value null at 'entries' failed to satisfy constraint: Member must not be null");
  }
  if (!Array.isArray(list)) {
    throw new AwsError('SerializationException', 'Entries is not a list.');
  }
  if (list.length === 0) {
    throw invalid(
      "Value '[]' at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  }
  if (list.length > maxEntries) {
    throw invalid(
      `Value of ${list.length} entries at 'entries' failed to satisfy constraint: Member must have length less than or equal to ${maxEntries}`,
    );
  }
  const entries = list.map(readEntry);
  if (entries.reduce((total, entry) => total + entrySizeBytes(entry), 0) > maxTotalBytes) {
    throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
  }
  return entries;
}

function invalid(problem: string): AwsError {
  return new AwsError('ValidationException', `1 validation error detected: ${problem}`);
}

function readEntry(entry: unknown): PutEventsEntry {
  if (!isJsonObject(entry)) {
    throw new AwsError('SerializationException', 'An entry is not an object.');
  }
  const { Resources: resources, Time: time } = entry;
  if (resources !== undefined && !isListOfStrings(resources)) {
    throw new AwsError('SerializationException', 'Resources is not a list of strings.');
  }
  if (time !== undefined && typeof time !== 'number') {
    throw new AwsError('SerializationException', 'Time is not a number of Unix seconds.');
  }
  return {
    Source: optionalText(entry, 'Source'),
    DetailType: optionalText(entry, 'DetailType'),
    Detail: optionalText(entry, 'Detail'),
    EventBusName: optionalText(entry, 'EventBusName'),
    Resources: resources,
    Time: time,
  };
}

/** A text that may be missing. @throws AwsError SerializationException when it is something else. */
export function optionalText(input: JsonObject, name: string): string | undefined {
  const value = input[name] ?? undefined;
  if (value !== undefined && typeof value !== 'string') {
    throw new AwsError('SerializationException', `${name} is not a string.`);
  }
  return value;
}

function isListOfStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/**
 * What AWS finds wrong with one entry, or undefined. An entry with an error does not keep the other
 * entries of its call from being taken.
 */
export function checkEntry(entry: PutEventsEntry): EntryError | undefined {
  for (const name of ['Source', 'DetailType', 'Detail'] as const) {
    if (entry[name] === undefined || entry[name] === '') {
      return entryError(
        'InvalidArgument',
        `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      );
    }
  }
  if (entry.Source?.startsWith('aws.') === true) {
    return entryError('NotAuthorizedForSourceException', 'Not authorized for the source.');
  }
  if (parseDetail(entry.Detail ?? '') === undefined) {
    return entryError('MalformedDetail', 'Detail is malformed.');
  }
  return undefined;
}

/** The detail as an object; undefined when the text is no JSON object. */
export function parseDetail(detail: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(detail);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An entry's error, as the answer carries it. */
export function entryError(ErrorCode: string, ErrorMessage: string): EntryError {
  return { ErrorCode, ErrorMessage };
}

import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../src/base/json.ts';
import { type InputTransformer, transformInput } from './input-transformer.ts';

/** The account of everything local; the SQS beside it uses the same. */
export const localAccount = '000000000000';

/** What an event must have: one of the listed values for each field that is named. */
interface EventPattern {
  readonly source?: readonly string[];
  readonly 'detail-type'?: readonly string[];
  /** Of the detail itself, not of what is in its objects. */
  readonly detail?: Readonly<Record<string, readonly unknown[]>>;
}

/** Sends the events of a bus that match `pattern` to a queue. */
export interface EventRule {
  readonly name: string;
  readonly pattern: EventPattern;
  /** What the queue receives instead of the event. */
  readonly inputTransformer?: InputTransformer | undefined;
  /** ARN of the queue. */
  readonly targetArn: string;
}

/** An event bus with its rules. */
export interface EventBus {
  readonly name: string;
  readonly rules: readonly EventRule[];
}

/** An event as a target receives it. */
export interface EventEnvelope {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601 in whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: JsonObject;
}

/** What a sender says about an event. */
interface EventFields {
  readonly source: string;
  readonly detailType: string;
  readonly detail: JsonObject;
  readonly resources: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
}

/** The envelope around an accepted event, under a new id. */
export function toEnvelope(fields: EventFields, region: string): EventEnvelope {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': fields.detailType,
    source: fields.source,
    account: localAccount,
    time: new Date(fields.timeMs).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources: fields.resources,
    detail: fields.detail,
  };
}

/**
 * The event as a queue takes it, after the rule's transformer if there is one. Characters that SQS refuses, and those beyond U+FFFF, which fauxqs
 * refuses too, are written as JSON escapes, which parse to the same text.
 *
 * @throws Error as `transformInput` does.
 */
export function toMessageBody(event: EventEnvelope, transformer?: InputTransformer): string {
  const text = transformer === undefined ? JSON.stringify(event) : transformInput(transformer, event);
  return text.replaceAll(
    /[\uD800-\uDFFF\uFFFE\uFFFF]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Whether a rule with this pattern takes the event. */
export function matches(pattern: EventPattern, event: EventEnvelope): boolean {
  return (
    (pattern.source?.includes(event.source) ?? true) &&
    (pattern['detail-type']?.includes(event['detail-type']) ?? true) &&
    Object.entries(pattern.detail ?? {}).every(([field, values]) => values.includes(event.detail[field]))
  );
}

/** `arn:aws:events:<region>:<account>:event-bus/<name>`. */
export function busArn(region: string, name: string): string {
  return `arn:aws:events:${region}:${localAccount}:event-bus/${name}`;
}

/** A bus is addressed by its name or its ARN; unnamed, it is the account's default bus. */
export function busNameOf(nameOrArn: string | undefined): string {
  return nameOrArn === undefined ? 'default' : nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
}

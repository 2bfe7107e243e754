import { isJsonObject } from '../src/base/json.ts';
import type { EventEnvelope } from './event-bus.ts';

/** What a target receives instead of the event, as PutTargets takes it. */
export interface InputTransformer {
  /** Where the values stand in the event, by their names: `$.detail.amount`, without brackets. */
  readonly InputPathsMap: Readonly<Record<string, string>>;
  /** The text with `<name>` for each value: within quotes as text, outside of them as JSON. */
  readonly InputTemplate: string;
}

/** A text in quotes, with what is escaped in it, or the name of a value. */
const token = /"(?:[^"\\]|\\.)*"|<([\w-]+)>/g;
const nameInText = /<([\w-]+)>/g;

/**
 * The transformed event. Stricter than AWS, which leaves out what it does not find: a name without a value is
 * an error here, and so is what is no JSON.
 *
 * @throws Error that says which.
 */
export function transformInput(transformer: InputTransformer, event: EventEnvelope): string {
  const valueOf = (name: string) => findValue(transformer, event, name);
  const text = transformer.InputTemplate.replaceAll(token, (part: string, name: string | undefined) =>
    name === undefined
      ? part.replaceAll(nameInText, (_name, inText: string) => escapeText(valueOf(inText)))
      : JSON.stringify(valueOf(name)),
  );
  JSON.parse(text);
  return text;
}

function findValue({ InputPathsMap }: InputTransformer, event: EventEnvelope, name: string): unknown {
  const path = InputPathsMap[name];
  if (path === undefined || !/^\$(\.[\w-]+)+$/.test(path)) {
    throw new Error(`<${name}> has no path in dot notation`);
  }
  const found = path
    .split('.')
    .slice(1)
    .reduce<unknown>((value, key) => (isJsonObject(value) ? value[key] : undefined), event);
  if (found === undefined) {
    throw new Error(`the event has no ${path}`);
  }
  return found;
}

function escapeText(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value)).slice(1, -1);
}

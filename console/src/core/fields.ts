import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Text } from './language.ts';

/* Forms for messages of the contract: what fields there are, and the JSON that they make. Pure. */

/** A field of a form. */
export interface FieldSpec {
  /** Where it stands in the message, by the contract's names, such as `simulation.api.code`. */
  readonly path: string;
  readonly kind: 'text' | 'number' | 'choice' | 'check';
  readonly label: Text;
  readonly hint?: Text;
  /** Of a choice: what is sent, and what is shown. Nothing is sent unless one is chosen. */
  readonly choices?: readonly (readonly [value: string, label: string])[];
  /** Of a text: what others have chosen. */
  readonly suggestions?: readonly string[];
}

/** What was typed, by path; empty, or not there: not given. A box that is checked has `true`. */
export type FieldValues = Readonly<Record<string, string>>;

/** The message, as JSON: what is not given is not in it. A number that is none is left for the service to refuse. */
export function toMessageJson(specs: readonly FieldSpec[], values: FieldValues): JsonObject {
  const message: JsonObject = {};
  for (const { path, kind } of specs) {
    const value = values[path] ?? '';
    if (value !== '') {
      put(message, path.split('.'), jsonOf(kind, value));
    }
  }
  return message;
}

function jsonOf(kind: FieldSpec['kind'], value: string): JsonValue {
  if (kind === 'check') {
    return value === 'true';
  }
  // As text where a number would lose digits: proto JSON takes both.
  return kind === 'number' && Number.isSafeInteger(Number(value)) && /^-?\d+$/.test(value)
    ? Number(value)
    : value;
}

function put(target: JsonObject, [name = '', ...rest]: readonly string[], value: JsonValue): void {
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const inner = target[name];
  const next: JsonObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  target[name] = next;
  put(next, rest, value);
}

/** The values of a form that makes this message; what the form has no field for is passed over. */
export function toValues(specs: readonly FieldSpec[], message: JsonObject): FieldValues {
  const values: Record<string, string> = {};
  for (const { path } of specs) {
    const value = path
      .split('.')
      .reduce<JsonValue | undefined>(
        (at, name) => (typeof at === 'object' && at !== null && !Array.isArray(at) ? at[name] : undefined),
        message,
      );
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      values[path] = String(value);
    }
  }
  return values;
}

/** The same field in another place. */
export function moved(field: FieldSpec, path: string): FieldSpec {
  return { ...field, path };
}

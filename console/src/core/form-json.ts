import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.js';
import { type FieldSpec, type FieldValues, toMessageJson, toValues } from './fields.ts';
import { readMessage } from './read-message.ts';

/* A message that is written in the fields of a form, or as JSON. Pure. */

/** What a form is about. */
export interface Form {
  /** The field of the request that the message is, such as `rule`; all paths begin with it. */
  readonly part: string;
  readonly specs: readonly FieldSpec[];
  /** The message as the contract writes it. Throws where it is none. */
  readonly rewrite: (json: JsonValue) => JsonValue;
}

/** The message that the fields make. */
export function partOf({ part, specs }: Form, values: FieldValues): JsonObject {
  const made = toMessageJson(specs, values)[part];
  return isObject(made) ? made : {};
}

/**
 * The fields that make what is written, whichever way JSON has to say it. What only the service says is left out.
 *
 * @throws ConnectError INVALID_ARGUMENT when it is no such message.
 */
export function valuesOf({ part, specs, rewrite }: Form, text: string): FieldValues {
  const json = readMessage(text, rewrite);
  return toValues(specs, { [part]: json });
}

/** The JSON that is written; undefined: it is none yet. */
export function objectOf(text: string): JsonObject | undefined {
  try {
    const json: JsonValue = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** @throws ConnectError INVALID_ARGUMENT that names each field in which a number is none. */
export function checkNumbers(specs: readonly FieldSpec[], values: FieldValues): void {
  const fieldViolations = specs.flatMap(({ path, kind }) => {
    const value = values[path] ?? '';
    return kind !== 'number' || value === '' || /^-?\d+$/.test(value)
      ? []
      : [{ field: path, description: `must be a whole number, not ${JSON.stringify(value)}` }];
  });
  if (fieldViolations.length > 0) {
    throw new ConnectError('not every number is one', Code.InvalidArgument, undefined, [
      { desc: BadRequestSchema, value: { fieldViolations } },
    ]);
  }
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

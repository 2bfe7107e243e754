import { fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { CodeSchema } from '../../../../gen/google/rpc/code_pb.js';
import {
  type CreatePaymentIntentRequest,
  CreatePaymentIntentRequestSchema,
} from '../../../../gen/payment/v1/payment_pb.js';
import { asCurl } from '../../core/copy-as.ts';
import { type FieldPath, fieldPaths, type FormValues, kindOf } from './fields.ts';

/* From the form to the request. Pure. */

/** What a field cannot be sent for: the service could not even say that it is wrong. */
export type Unsendable = 'no-whole-number' | 'no-tags';

/** The request, in the JSON of the contract. */
export interface BuiltRequest {
  readonly json: JsonObject;
  readonly unsendable: ReadonlyMap<FieldPath, Unsendable>;
}

/** What is empty is left out, messages too that have nothing in them. */
export function buildRequest(values: FormValues): BuiltRequest {
  const json: JsonObject = {};
  const unsendable = new Map<FieldPath, Unsendable>();
  for (const path of fieldPaths) {
    const text = values[path] ?? '';
    if (text === '') {
      continue;
    }
    const value = readField(path, text);
    if (value === undefined) {
      unsendable.set(path, kindOf(path) === 'tags' ? 'no-tags' : 'no-whole-number');
    }
    put(json, path.split('.'), value ?? text);
  }
  return { json, unsendable };
}

/** @throws when something is unsendable. */
export function messageOf(json: JsonObject): CreatePaymentIntentRequest {
  return fromJson(CreatePaymentIntentRequestSchema, json);
}

/** The call for a terminal. */
export function curlOf(origin: string, json: JsonObject, session: string): string {
  return asCurl(origin, {
    service: 'payment.v1.PaymentService',
    method: 'CreatePaymentIntent',
    json: JSON.stringify(json, undefined, 2),
    session,
  });
}

/** How the request asks for the call itself to fail; undefined: it does not. */
export interface AskedFault {
  /** Of gRPC; undefined: no answer at all. */
  readonly code: number | undefined;
  readonly name: string;
  /** Whether the payment is made all the same. */
  readonly isAfter: boolean;
}

/** See `AskedFault`. */
export function faultAskedBy(values: FormValues): AskedFault | undefined {
  const code = CodeSchema.values.find(({ name }) => name === values['simulation.api.code']);
  const isDropped = values['simulation.api.drop_connection'] === 'true';
  if (code === undefined && !isDropped) {
    return undefined;
  }
  return {
    code: code?.number,
    name: code?.name ?? 'drop_connection',
    isAfter: values['simulation.api.when'] === 'SIMULATED_ERROR_TIME_AFTER',
  };
}

const maxInt32 = 2_147_483_647;
const maxInt64 = 9_223_372_036_854_775_807n;

/** As JSON has it; undefined: it cannot be. */
function readField(path: FieldPath, text: string): JsonValue | undefined {
  const kind = kindOf(path);
  switch (kind) {
    case 'int32':
      return isWhole(text) && Math.abs(Number(text)) <= maxInt32 ? Number(text) : undefined;
    case 'int64':
      return readInt64(text);
    case 'flag':
      return text === 'true';
    case 'tags':
      return readTags(text);
    default:
      return text;
  }
}

function isWhole(text: string): boolean {
  return /^-?\d{1,20}$/.test(text);
}

/** A number as long as JSON's numbers are exact; the contract takes text too. */
function readInt64(text: string): JsonValue | undefined {
  if (!isWhole(text)) {
    return undefined;
  }
  const value = BigInt(text);
  const size = value < 0n ? -value : value;
  if (size > maxInt64) {
    return undefined;
  }
  return size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}

/** A line without a `=` is no tag; empty lines are passed over. */
function readTags(text: string): JsonObject | undefined {
  const tags = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => /^([^=]+)=(.*)$/.exec(line));
  return tags.every((tag) => tag !== null)
    ? Object.fromEntries(tags.map(([, name = '', value = '']) => [name.trim(), value.trim()]))
    : undefined;
}

function put(target: JsonObject, [name = '', ...rest]: readonly string[], value: JsonValue): void {
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const inner = target[name];
  const object = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  target[name] = object;
  put(object, rest, value);
}

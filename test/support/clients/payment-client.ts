/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [key: string]: Json | undefined;
}

/** In the contract's order. */
export const methods = [
  'CreatePaymentIntent',
  'GetPaymentStatus',
  'ProcessPayment',
  'CancelPayment',
  'ListPayments',
  'SimulateWebhook',
] as const;
export type Method = (typeof methods)[number];
/** Those without side effects, which the Connect protocol lets go by GET. */
export const reads: readonly Method[] = ['GetPaymentStatus', 'ListPayments'];

/** One bad field, as google.rpc.BadRequest tells it. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** What came of a call, told the same way whichever protocol it went by. */
export type Outcome =
  | { readonly ok: true; readonly message: JsonObject }
  | {
      readonly ok: false;
      /** The name of the gRPC code, such as `INVALID_ARGUMENT`. */
      readonly code: string;
      readonly message: string;
      /** Of the google.rpc.BadRequest detail; empty when there is none. */
      readonly violations: readonly Violation[];
    };

/** A caller of the service; requests are proto JSON with the proto's field names. */
export interface PaymentClient {
  call(method: Method, request: JsonObject): Promise<Outcome>;
  close(): void;
}

/** Makes a client of the service at `http://host:port`. */
export type ClientFactory = (apiUrl: string) => PaymentClient;

export const servicePath = '/payment.v1.PaymentService';

/**
 * One spelling for what the protocols' JSON may spell in several ways: times become what
 * `Date.toISOString` makes. Names of fields stay as they came, so that a wrong spelling shows.
 */
export function canonicalMessage(message: JsonObject): JsonObject {
  const canonical: JsonObject = {};
  for (const [key, value] of Object.entries(message)) {
    if (key.endsWith('_at') && value !== undefined) {
      canonical[key] = canonicalTime(value);
    } else {
      canonical[key] = mapField(key, value, canonicalMessage);
    }
  }
  return canonical;
}

/** Maps the messages that a field holds. The names in `tags` are the caller's, and no names of fields. */
export function mapField(
  name: string,
  value: Json | undefined,
  map: (message: JsonObject) => JsonObject,
): Json | undefined {
  if (name === 'tags') {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => (isObject(item) ? map(item) : item));
  }
  return isObject(value) ? map(value) : value;
}

function canonicalTime(value: Json): string {
  if (isObject(value)) {
    const seconds = Number(value['seconds'] ?? 0);
    return new Date(seconds * 1000 + Number(value['nanos'] ?? 0) / 1e6).toISOString();
  }
  return new Date(value as string).toISOString();
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `InvalidArgument` and `invalid_argument` are both `INVALID_ARGUMENT`. */
export function canonicalCode(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
}

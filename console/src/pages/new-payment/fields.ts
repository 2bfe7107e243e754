import type { DescEnum } from '@bufbuild/protobuf';
import { CodeSchema } from '../../../../gen/google/rpc/code_pb.js';
import {
  PaymentMethodSchema,
  PaymentScenarioSchema,
  PaymentStatusSchema,
  SimulatedChannelSchema,
  SimulatedErrorTimeSchema,
  SimulatedOutcomeSchema,
  SimulatedSignatureSchema,
} from '../../../../gen/payment/v1/payment_pb.js';

/* The fields of CreatePaymentIntentRequest, as a form has them. Pure. */

/** What a field takes; an enum of the contract stands for its names. `tags`: `name=value`, one a line. */
export type FieldKind = 'text' | 'int32' | 'int64' | 'flag' | 'tags' | DescEnum;

/** Every field by its path, in the order of the contract. */
export const fieldKinds = {
  reservation_id: 'text',
  'amount.amount': 'int64',
  'amount.currency': 'text',
  user_id: 'text',
  method: PaymentMethodSchema,
  scenario: PaymentScenarioSchema,
  webhook_url: 'text',
  idempotency_key: 'text',
  'metadata.source': 'text',
  'metadata.user_agent': 'text',
  'metadata.ip_address': 'text',
  'metadata.session_id': 'text',
  'metadata.scenario': 'text',
  'metadata.tags': 'tags',
  'simulation.delay_ms': 'int32',
  'simulation.outcome': SimulatedOutcomeSchema,
  'simulation.failure_code': 'text',
  'simulation.api.code': CodeSchema,
  'simulation.api.message': 'text',
  'simulation.api.delay_ms': 'int32',
  'simulation.api.retry_after_ms': 'int32',
  'simulation.api.when': SimulatedErrorTimeSchema,
  'simulation.api.drop_connection': 'flag',
  'simulation.delivery.channel': SimulatedChannelSchema,
  'simulation.delivery.copies': 'int32',
  'simulation.delivery.delay_ms': 'int32',
  'simulation.delivery.drop': 'flag',
  'simulation.delivery.hold_until_next_event': 'flag',
  'simulation.delivery.signature': SimulatedSignatureSchema,
  'simulation.delivery.conflicting_status': PaymentStatusSchema,
  'simulation.refund.outcome': SimulatedOutcomeSchema,
  'simulation.refund.delay_ms': 'int32',
  'simulation.refund.failure_code': 'text',
} as const satisfies Readonly<Record<string, FieldKind>>;

/** Names as in the contract, so what the service says of a field is said of one of these. */
export type FieldPath = keyof typeof fieldKinds;

export const fieldPaths = Object.keys(fieldKinds).filter(isFieldPath);

export function isFieldPath(text: string): text is FieldPath {
  return Object.hasOwn(fieldKinds, text);
}

export function kindOf(path: FieldPath): FieldKind {
  return fieldKinds[path];
}

/** What is filled in: all as text, a flag as `true`. What is empty is not sent. */
export type FormValues = Readonly<Partial<Record<FieldPath, string>>>;

/** Names of an enum that can be chosen: neither UNSPECIFIED nor OK, and what the field does not take. */
export function choicesOf(path: FieldPath, kind: DescEnum): readonly { name: string; short: string }[] {
  return kind.values
    .filter(({ number, localName }) => number !== 0 && !notTaken[path]?.includes(localName))
    .map(({ name, localName }) => ({ name, short: localName }));
}

/** What the contract's comments say that the type does not. */
const notTaken: Readonly<Partial<Record<FieldPath, readonly string[]>>> = {
  'simulation.delivery.conflicting_status': ['PENDING'],
  'simulation.refund.outcome': ['HOLD', 'EXPIRE'],
};

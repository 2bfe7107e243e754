import type { JsonObject } from '@bufbuild/protobuf';
import { type FieldSpec, type FieldValues, toMessageJson } from '../../core/fields.ts';
import { optionFields } from '../../core/option-fields.ts';

/* What a CreatePaymentIntentRequest is made of. Pure. */

export const orderFields: readonly FieldSpec[] = [
  { path: 'user_id', kind: 'text', label: ['User', '사용자'] },
  { path: 'reservation_id', kind: 'text', label: ['Reservation', '예약'] },
  {
    path: 'amount.amount',
    kind: 'number',
    label: ['Amount', '금액'],
    hint: ['In the smallest unit of the currency.', '통화의 최소 단위로.'],
  },
  {
    path: 'amount.currency',
    kind: 'text',
    label: ['Currency', '통화'],
    suggestions: ['KRW', 'USD', 'EUR', 'JPY'],
  },
];

export const moreFields: readonly FieldSpec[] = [
  {
    path: 'method',
    kind: 'choice',
    label: ['Method', '결제 수단'],
    choices: ['CREDIT_CARD', 'DEBIT_CARD', 'BANK_TRANSFER', 'MOBILE_PAY', 'DIGITAL_WALLET'].map(
      (name) => [`PAYMENT_METHOD_${name}`, name] as const,
    ),
  },
  {
    path: 'scenario',
    kind: 'choice',
    label: ['Scenario', '시나리오'],
    hint: ['What goes before it: the outcome above.', '위의 결과가 우선합니다.'],
    choices: ['APPROVE', 'FAIL', 'DELAY', 'RANDOM'].map(
      (name) => [`PAYMENT_SCENARIO_${name}`, name] as const,
    ),
  },
  {
    path: 'idempotency_key',
    kind: 'text',
    label: ['Idempotency key', '멱등키'],
    hint: ['The same one gives the same payment.', '같은 키는 같은 결제를 돌려줍니다.'],
  },
  { path: 'metadata.source', kind: 'text', label: ['metadata.source', 'metadata.source'] },
  { path: 'metadata.user_agent', kind: 'text', label: ['metadata.user_agent', 'metadata.user_agent'] },
  { path: 'metadata.ip_address', kind: 'text', label: ['metadata.ip_address', 'metadata.ip_address'] },
];

export const receiverField: FieldSpec = {
  path: 'webhook_url',
  kind: 'text',
  label: ['Its address', '수신 주소'],
  hint: ['http or https.', 'http 또는 https.'],
};

/** Where the outcome is told. */
export type Receiver = 'inbox' | 'own' | 'none';

export const allFields = [...orderFields, receiverField, ...optionFields('simulation'), ...moreFields];

/** What a newcomer's first click makes. */
export function firstValues(): FieldValues {
  return {
    user_id: 'user-1',
    reservation_id: `reservation-${Math.random().toString(36).slice(2, 8)}`,
    'amount.amount': '120000',
    'amount.currency': 'KRW',
  };
}

/** What an address may fill in, by short names; other fields by their paths. */
const shortNames: Readonly<Record<string, string>> = {
  user: 'user_id',
  reservation: 'reservation_id',
  amount: 'amount.amount',
  currency: 'amount.currency',
  failure_code: 'simulation.failure_code',
  outcome: 'simulation.outcome',
};

export function valuesOfQuery(query: URLSearchParams): FieldValues {
  const known = new Set(allFields.map(({ path }) => path));
  return Object.fromEntries(
    [...query]
      .map(([name, value]) => [shortNames[name] ?? name, value])
      .filter(([path = '']) => known.has(path)),
  );
}

/** The request, as JSON. @param inbox the address of the built-in receiver. */
export function requestOf(values: FieldValues, receiver: Receiver, inbox: string): JsonObject {
  const { webhook_url: own = '', ...others } = values;
  const url = receiver === 'inbox' ? inbox : receiver === 'own' ? own : '';
  return toMessageJson(allFields, { ...others, webhook_url: url });
}

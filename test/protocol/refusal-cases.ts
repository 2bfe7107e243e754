import { expect } from 'vitest';
import type { JsonObject, Method } from '../support/clients/payment-client.ts';
import { createPayment, type PaymentCase, refuse, validCreate } from './case-context.ts';

interface BadFieldRow {
  readonly name: string;
  readonly essential?: boolean;
  readonly method?: Method;
  readonly request: JsonObject;
  /** The bad fields in the order the contract has them. */
  readonly fields: readonly string[];
}

const tooLongId = 'x'.repeat(129);
const tooLongText = 'x'.repeat(513);

const badFields: readonly BadFieldRow[] = [
  { name: 'no reservation_id', request: validCreate({ reservation_id: '' }), fields: ['reservation_id'] },
  {
    name: 'reservation_id too long',
    request: validCreate({ reservation_id: tooLongId }),
    fields: ['reservation_id'],
  },
  { name: 'no user_id', request: validCreate({ user_id: '' }), fields: ['user_id'] },
  { name: 'user_id too long', request: validCreate({ user_id: tooLongId }), fields: ['user_id'] },
  {
    name: 'no amount',
    request: { reservation_id: 'reservation-1', user_id: 'user-1' },
    fields: ['amount'],
  },
  { name: 'amount 0', request: validCreate({ amount: { currency: 'KRW' } }), fields: ['amount.amount'] },
  { name: 'amount below 0', request: withAmount('-1'), fields: ['amount.amount'] },
  { name: 'amount above 2^53-1', request: withAmount('9007199254740992'), fields: ['amount.amount'] },
  {
    name: 'the largest amount of an int64',
    request: withAmount('9223372036854775807'),
    fields: ['amount.amount'],
  },
  { name: 'no currency', request: validCreate({ amount: { amount: '1' } }), fields: ['amount.currency'] },
  { name: 'unknown currency', request: withCurrency('XYZ'), fields: ['amount.currency'] },
  { name: 'currency in lower case', request: withCurrency('krw'), fields: ['amount.currency'] },
  { name: 'unknown scenario', request: validCreate({ scenario: 99 }), fields: ['scenario'] },
  { name: 'scenario below 0', request: validCreate({ scenario: -1 }), fields: ['scenario'] },
  { name: 'webhook_url is no URL', request: withWebhook('not a url'), fields: ['webhook_url'] },
  { name: 'webhook_url is a path', request: withWebhook('/webhooks'), fields: ['webhook_url'] },
  { name: 'webhook_url is not http(s)', request: withWebhook('ftp://example.com/'), fields: ['webhook_url'] },
  {
    name: 'webhook_url with credentials',
    request: withWebhook('https://user:secret@example.com/'),
    fields: ['webhook_url'],
  },
  {
    name: 'webhook_url too long',
    request: withWebhook(`https://example.com/${'x'.repeat(2_049 - 'https://example.com/'.length)}`),
    fields: ['webhook_url'],
  },
  {
    name: 'idempotency_key too long',
    request: validCreate({ idempotency_key: tooLongId }),
    fields: ['idempotency_key'],
  },
  {
    name: 'delay_ms below 0',
    request: validCreate({ simulation: { delay_ms: -1 } }),
    fields: ['simulation.delay_ms'],
  },
  {
    name: 'delay_ms above a day',
    request: validCreate({ simulation: { delay_ms: 86_400_001 } }),
    fields: ['simulation.delay_ms'],
  },
  {
    name: 'an empty request',
    essential: true,
    request: {},
    fields: ['amount', 'reservation_id', 'user_id'],
  },
  {
    name: 'every field wrong at once',
    essential: true,
    request: {
      reservation_id: tooLongId,
      user_id: tooLongId,
      amount: { amount: '-5', currency: 'WON' },
      scenario: 99,
      webhook_url: 'ftp://example.com/',
      idempotency_key: tooLongId,
      simulation: { delay_ms: -1 },
    },
    fields: [
      'amount.amount',
      'amount.currency',
      'idempotency_key',
      'reservation_id',
      'scenario',
      'simulation.delay_ms',
      'user_id',
      'webhook_url',
    ],
  },
  {
    name: 'no payment_intent_id',
    method: 'GetPaymentStatus',
    request: {},
    fields: ['payment_intent_id'],
  },
  {
    name: 'payment_intent_id and user_id too long',
    essential: true,
    method: 'GetPaymentStatus',
    request: { payment_intent_id: tooLongId, user_id: tooLongId },
    fields: ['payment_intent_id', 'user_id'],
  },
  {
    name: 'no payment_intent_id',
    method: 'ProcessPayment',
    request: {},
    fields: ['payment_intent_id'],
  },
  {
    name: 'payment_intent_id and idempotency_key too long',
    essential: true,
    method: 'ProcessPayment',
    request: { payment_intent_id: tooLongId, idempotency_key: tooLongId },
    fields: ['idempotency_key', 'payment_intent_id'],
  },
  { name: 'unknown method', request: validCreate({ method: 99 }), fields: ['method'] },
  {
    name: 'metadata too long',
    request: validCreate({
      metadata: {
        source: tooLongText,
        user_agent: tooLongText,
        ip_address: tooLongText,
        session_id: tooLongText,
        scenario: tooLongText,
        tags: { ['n'.repeat(65)]: 'name', value: tooLongText },
      },
    }),
    fields: [
      'metadata.ip_address',
      'metadata.scenario',
      'metadata.session_id',
      'metadata.source',
      'metadata.tags',
      'metadata.tags["value"]',
      'metadata.user_agent',
    ],
  },
  {
    name: 'too many tags',
    request: validCreate({
      metadata: { tags: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`tag-${i}`, ''])) },
    }),
    fields: ['metadata.tags'],
  },
  {
    name: 'every field of a refund wrong at once',
    essential: true,
    request: validCreate({
      simulation: { refund: { outcome: 99, delay_ms: 86_400_001, failure_code: 'no blanks' } },
    }),
    fields: ['simulation.refund.delay_ms', 'simulation.refund.failure_code', 'simulation.refund.outcome'],
  },
  {
    name: 'a refund that takes less than no time',
    request: validCreate({ simulation: { refund: { delay_ms: -1 } } }),
    fields: ['simulation.refund.delay_ms'],
  },
  {
    name: 'a refund that is approved and fails',
    request: validCreate({
      simulation: { refund: { outcome: 'SIMULATED_OUTCOME_APPROVE', failure_code: 'expired_card' } },
    }),
    fields: ['simulation.refund.failure_code'],
  },
  { name: 'no payment_intent_id', method: 'CancelPayment', request: {}, fields: ['payment_intent_id'] },
  {
    name: 'every field wrong at once',
    essential: true,
    method: 'CancelPayment',
    request: {
      payment_intent_id: tooLongId,
      reason: tooLongText,
      refund_amount: { amount: '-1', currency: 'WON' },
      idempotency_key: tooLongId,
    },
    fields: [
      'idempotency_key',
      'payment_intent_id',
      'reason',
      'refund_amount.amount',
      'refund_amount.currency',
    ],
  },
  {
    name: 'every field wrong at once',
    essential: true,
    method: 'ListPayments',
    request: {
      user_id: tooLongId,
      reservation_id: tooLongId,
      status: 4,
      pagination: { page: -1, page_size: -1, cursor: 'made up' },
    },
    fields: [
      'pagination.cursor',
      'pagination.page',
      'pagination.page_size',
      'reservation_id',
      'status',
      'user_id',
    ],
  },
  {
    name: 'a page together with a cursor',
    method: 'ListPayments',
    request: { pagination: { page: 1, cursor: 'made up' } },
    fields: ['pagination.cursor', 'pagination.page'],
  },
  {
    name: 'an empty request',
    method: 'SimulateWebhook',
    request: {},
    fields: ['payment_intent_id', 'target_status'],
  },
  {
    name: 'PENDING as target, and a delay above a day',
    essential: true,
    method: 'SimulateWebhook',
    request: {
      payment_intent_id: 'pay-1',
      target_status: 'PAYMENT_STATUS_PENDING',
      delay_seconds: 86_401,
    },
    fields: ['delay_seconds', 'target_status'],
  },
  {
    name: 'an unknown target, and a delay below 0',
    method: 'SimulateWebhook',
    request: { payment_intent_id: 'pay-1', target_status: 4, delay_seconds: -1 },
    fields: ['delay_seconds', 'target_status'],
  },
];

function withAmount(amount: string): JsonObject {
  return validCreate({ amount: { amount, currency: 'KRW' } });
}

function withCurrency(currency: string): JsonObject {
  return validCreate({ amount: { amount: '1', currency } });
}

function withWebhook(webhookUrl: string): JsonObject {
  return validCreate({ webhook_url: webhookUrl });
}

const badFieldCases = badFields.map(
  ({ name, essential = false, method = 'CreatePaymentIntent', request, fields }): PaymentCase => ({
    name: `INVALID_ARGUMENT: ${method}: ${name}`,
    essential,
    async run({ client }) {
      const refusal = await refuse(client, method, request);
      expect(refusal.code).toBe('INVALID_ARGUMENT');
      expect(refusal.violations.map((violation) => violation.field).toSorted()).toEqual(fields);
      for (const { field, description } of refusal.violations) {
        expect(`${field}: ${description}`).not.toMatch(/: $|user:secret/);
      }
    },
  }),
);

const messageCase: PaymentCase = {
  name: 'INVALID_ARGUMENT: the message alone tells what the details tell',
  essential: true,
  async run({ client }) {
    const refusal = await refuse(client, 'CreatePaymentIntent', {});
    const told = refusal.violations.map(({ field, description }) => `${field}: ${description}`);
    expect(refusal.message).toBe(told.join('; '));
  },
};

const lookups: readonly (readonly [Method, JsonObject?])[] = [
  ['GetPaymentStatus'],
  ['ProcessPayment'],
  ['CancelPayment'],
  ['SimulateWebhook', { target_status: 'PAYMENT_STATUS_FAILED' }],
];

const notFoundCases = lookups.map(([method, fields]): PaymentCase => ({
  name: `NOT_FOUND: ${method}`,
  essential: method === 'ProcessPayment',
  async run({ client }) {
    expect(await refuse(client, method, { payment_intent_id: 'pay-1', ...fields })).toEqual({
      ok: false,
      code: 'NOT_FOUND',
      message: 'payment pay-1 not found',
      violations: [],
    });
  },
}));

const tooLargeCases: PaymentCase[] = [
  {
    name: 'RESOURCE_EXHAUSTED: a message over READ_MAX_BYTES',
    essential: true,
    async run({ client }) {
      const request = validCreate({ reservation_id: 'x'.repeat(65_537) });
      expect(await refuse(client, 'CreatePaymentIntent', request)).toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        violations: [],
      });
      await createPayment(client);
    },
  },
  {
    name: 'a message just under READ_MAX_BYTES is read, and its fields checked',
    async run({ client }) {
      const request = validCreate({ reservation_id: 'x'.repeat(65_000) });
      const refusal = await refuse(client, 'CreatePaymentIntent', request);
      expect(refusal.code).toBe('INVALID_ARGUMENT');
      expect(refusal.violations.map((violation) => violation.field)).toEqual(['reservation_id']);
    },
  },
];

/** What the service refuses, each with the code and the bad fields it must name. */
export const refusalCases: readonly PaymentCase[] = [
  ...badFieldCases,
  messageCase,
  ...notFoundCases,
  ...tooLargeCases,
];

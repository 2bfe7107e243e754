import { failureCodes } from './failure-codes.ts';
import { type FieldSpec, moved } from './fields.ts';

/* Every option of SimulationOptions, as proto/payment/v1 explains them. */

const outcomes = ['APPROVE', 'DECLINE', 'HOLD', 'EXPIRE'].map(
  (name) => [`SIMULATED_OUTCOME_${name}`, name] as const,
);

/** Of google.rpc.Code, what a gateway may answer. */
const codes = [
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
  'UNKNOWN',
  'RESOURCE_EXHAUSTED',
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'ABORTED',
  'CANCELLED',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'DATA_LOSS',
].map((name) => [name, name] as const);

/** A part of the options, which is folded unless something in it is given. */
export interface OptionGroup {
  readonly name: 'payment' | 'api' | 'delivery' | 'refund';
  readonly fields: readonly FieldSpec[];
}

/** @param prefix where the options stand, such as `simulation`. */
export function optionGroups(prefix: string): readonly OptionGroup[] {
  return groups.map(({ name, fields }) => ({
    name,
    fields: fields.map((field) => moved(field, `${prefix}.${field.path}`)),
  }));
}

/** All of them, one after the other. */
export function optionFields(prefix: string): readonly FieldSpec[] {
  return optionGroups(prefix).flatMap(({ fields }) => fields);
}

const groups: readonly OptionGroup[] = [
  {
    name: 'payment',
    fields: [
      {
        path: 'outcome',
        kind: 'choice',
        label: ['Outcome', '결과'],
        hint: [
          'HOLD never settles by itself; EXPIRE ends without a payment.',
          'HOLD는 저절로 확정되지 않고, EXPIRE는 결제 없이 만료됩니다.',
        ],
        choices: outcomes,
      },
      {
        path: 'failure_code',
        kind: 'text',
        label: ['Failure code', '실패 코드'],
        hint: ['Why it fails. Alone it means DECLINE.', '실패 사유. 이것만 적으면 DECLINE입니다.'],
        suggestions: failureCodes,
      },
      {
        path: 'delay_ms',
        kind: 'number',
        label: ['Settles after, in ms', '확정까지, 밀리초'],
        hint: ['From 0 to 86,400,000.', '0부터 86,400,000까지.'],
      },
    ],
  },
  {
    name: 'api',
    fields: [
      {
        path: 'api.code',
        kind: 'choice',
        label: ['Fails with', '오류 코드'],
        hint: ['The call fails with this code.', '호출이 이 코드로 실패합니다.'],
        choices: codes,
      },
      {
        path: 'api.message',
        kind: 'text',
        label: ['Message', '메시지'],
        hint: ['Only with a code.', '코드가 있을 때만.'],
      },
      {
        path: 'api.when',
        kind: 'choice',
        label: ['When', '시점'],
        hint: [
          'AFTER: it is carried out, and only the answer is lost.',
          'AFTER: 처리는 되고 응답만 사라집니다.',
        ],
        choices: ['BEFORE', 'AFTER'].map((name) => [`SIMULATED_ERROR_TIME_${name}`, name] as const),
      },
      {
        path: 'api.delay_ms',
        kind: 'number',
        label: ['Answers later by, in ms', '응답 지연, 밀리초'],
        hint: ['From 0 to 60,000.', '0부터 60,000까지.'],
      },
      {
        path: 'api.retry_after_ms',
        kind: 'number',
        label: ['Try again after, in ms', '재시도까지, 밀리초'],
        hint: ['As RetryInfo; only with a code.', 'RetryInfo로 전합니다. 코드가 있을 때만.'],
      },
      {
        path: 'api.drop_connection',
        kind: 'check',
        label: ['No answer: the connection is cut', '응답 없이 연결을 끊습니다'],
        hint: [
          'Browsers repeat such a call by themselves: with AFTER they make several payments.',
          '브라우저는 이런 호출을 스스로 되풀이합니다. AFTER이면 결제가 여러 건 생깁니다.',
        ],
      },
    ],
  },
  {
    name: 'delivery',
    fields: [
      {
        path: 'delivery.channel',
        kind: 'choice',
        label: ['Of', '대상 채널'],
        hint: ['Both unless chosen.', '고르지 않으면 둘 다.'],
        choices: ['WEBHOOK', 'EVENTBRIDGE'].map((name) => [`SIMULATED_CHANNEL_${name}`, name] as const),
      },
      {
        path: 'delivery.copies',
        kind: 'number',
        label: ['Copies', '횟수'],
        hint: ['2 to 10, under the same event_id.', '2부터 10까지, 같은 event_id로.'],
      },
      {
        path: 'delivery.delay_ms',
        kind: 'number',
        label: ['Later by, in ms', '지연, 밀리초'],
        hint: ['The payment settles in time, its events come late.', '확정은 제때, 이벤트는 늦게.'],
      },
      {
        path: 'delivery.signature',
        kind: 'choice',
        label: ['Signature', '서명'],
        hint: ['Sent once then, however it is answered.', '응답과 관계없이 한 번만 보냅니다.'],
        choices: ['WRONG_SECRET', 'MISSING', 'STALE', 'TAMPERED'].map(
          (name) => [`SIMULATED_SIGNATURE_${name}`, name] as const,
        ),
      },
      {
        path: 'delivery.conflicting_status',
        kind: 'choice',
        label: ['Contradicted by', '모순되는 상태'],
        hint: [
          'After each event another one that tells this.',
          '이벤트마다 이 상태를 알리는 이벤트가 뒤따릅니다.',
        ],
        choices: ['COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED', 'EXPIRED'].map(
          (name) => [`PAYMENT_STATUS_${name}`, name] as const,
        ),
      },
      {
        path: 'delivery.drop',
        kind: 'check',
        label: ['Never sent', '보내지 않습니다'],
      },
      {
        path: 'delivery.hold_until_next_event',
        kind: 'check',
        label: ['Out of order: after the next event', '순서 바꾸기: 다음 이벤트 뒤에 보냅니다'],
      },
    ],
  },
  {
    name: 'refund',
    fields: [
      {
        path: 'refund.outcome',
        kind: 'choice',
        label: ['Refunds', '환불 결과'],
        choices: outcomes.slice(0, 2),
      },
      {
        path: 'refund.failure_code',
        kind: 'text',
        label: ['Refunds fail with', '환불 실패 코드'],
        suggestions: ['processing_error', 'refund_window_expired'],
      },
      {
        path: 'refund.delay_ms',
        kind: 'number',
        label: ['Refunds take, in ms', '환불 소요, 밀리초'],
      },
    ],
  },
];

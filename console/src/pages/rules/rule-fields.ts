import { fromJson, type JsonObject, toJson } from '@bufbuild/protobuf';
import { RuleSchema } from '../../../../gen/simulator/v1/simulator_pb.js';
import { type FieldSpec, type FieldValues, moved } from '../../core/fields.ts';
import { type Form, partOf } from '../../core/form-json.ts';
import { optionFields } from '../../core/option-fields.ts';
import type { Text } from '../../core/language.ts';

/* What a simulator.v1.Rule is made of. Pure. */

const methods = [
  'CreatePaymentIntent',
  'GetPaymentStatus',
  'ProcessPayment',
  'CancelPayment',
  'ListPayments',
  'SimulateWebhook',
  '*',
].map((name) => [name, name] as const);

/** @param prefix where the match stands, such as `match`. */
export function matchFields(prefix: string): readonly FieldSpec[] {
  return fieldsOfMatch.map((field) => moved(field, `${prefix}.${field.path}`));
}

const fieldsOfMatch: readonly FieldSpec[] = [
  {
    path: 'method',
    kind: 'choice',
    label: ['Method', '메서드'],
    hint: ['CreatePaymentIntent unless chosen.', '고르지 않으면 CreatePaymentIntent.'],
    choices: methods,
  },
  {
    path: 'user_id',
    kind: 'text',
    label: ['User', '사용자'],
    hint: ['It may end in *.', '끝에 *를 쓸 수 있습니다.'],
  },
  {
    path: 'reservation_id',
    kind: 'text',
    label: ['Reservation', '예약'],
    hint: ['It may end in *.', '끝에 *를 쓸 수 있습니다.'],
  },
  { path: 'currency', kind: 'text', label: ['Currency', '통화'] },
  { path: 'min_amount', kind: 'number', label: ['Amount from', '최소 금액'] },
  { path: 'max_amount', kind: 'number', label: ['Amount to', '최대 금액'] },
  { path: 'webhook_url', kind: 'text', label: ['Webhook URL', '웹훅 URL'] },
];

export const countFields: readonly FieldSpec[] = [
  {
    path: 'rule.times',
    kind: 'number',
    label: ['Times', '적용 횟수'],
    hint: ['Applies so often, then never again.', '이 횟수만큼만 적용됩니다.'],
  },
  {
    path: 'rule.skip',
    kind: 'number',
    label: ['Skip', '건너뛸 횟수'],
    hint: ['Lets so many calls pass first.', '먼저 이만큼의 호출을 통과시킵니다.'],
  },
  {
    path: 'rule.one_in',
    kind: 'number',
    label: ['One in', 'N건에 하나'],
    hint: ['The same ones in every run.', '실행할 때마다 같은 호출에 적용됩니다.'],
  },
  {
    path: 'rule.per_reservation',
    kind: 'check',
    label: ['Counts each reservation by itself', '예약마다 따로 셉니다'],
  },
];

export const nameFields: readonly FieldSpec[] = [
  {
    path: 'rule.rule_id',
    kind: 'text',
    label: ['Rule id', '규칙 ID'],
    hint: ['Made unless given.', '비워 두면 만들어집니다.'],
  },
  { path: 'rule.label', kind: 'text', label: ['Label', '설명'] },
];

/** A rule, in fields or as JSON. */
export const ruleForm: Form = {
  part: 'rule',
  specs: [...nameFields, ...matchFields('rule.match'), ...optionFields('rule.simulation'), ...countFields],
  rewrite: (json) => toJson(RuleSchema, fromJson(RuleSchema, json), { useProtoFieldName: true }),
};

/** The rule, as JSON. */
export function ruleOf(values: FieldValues): JsonObject {
  return partOf(ruleForm, values);
}

/** A rule that many want. */
export interface Template {
  readonly label: Text;
  readonly values: FieldValues;
}

export const templates: readonly Template[] = [
  {
    label: ['Decline: insufficient funds', '거절: 잔액 부족'],
    values: { 'rule.simulation.failure_code': 'insufficient_funds' },
  },
  {
    label: ['Fail twice, then succeed', '두 번 실패한 뒤 성공'],
    values: {
      'rule.simulation.api.code': 'UNAVAILABLE',
      'rule.times': '2',
      'rule.per_reservation': 'true',
    },
  },
  {
    label: ['Gateway down', 'PG 장애'],
    values: { 'rule.match.method': '*', 'rule.simulation.api.code': 'UNAVAILABLE' },
  },
  {
    label: ['Reply lost', '응답 유실'],
    values: {
      'rule.simulation.api.code': 'UNAVAILABLE',
      'rule.simulation.api.when': 'SIMULATED_ERROR_TIME_AFTER',
      'rule.times': '1',
    },
  },
  { label: ['Webhook twice', '웹훅 두 번'], values: { 'rule.simulation.delivery.copies': '2' } },
  {
    label: ['Webhooks out of order', '웹훅 순서 바뀜'],
    values: { 'rule.simulation.delivery.hold_until_next_event': 'true' },
  },
  {
    label: ['Forged webhook', '위조된 웹훅'],
    values: { 'rule.simulation.delivery.signature': 'SIMULATED_SIGNATURE_WRONG_SECRET' },
  },
  {
    label: ['Webhook lost', '웹훅 유실'],
    values: { 'rule.simulation.delivery.drop': 'true' },
  },
  {
    label: ['Never settles', '확정되지 않음'],
    values: { 'rule.simulation.outcome': 'SIMULATED_OUTCOME_HOLD' },
  },
];

/** What is begun with: the name of the rule and the calls that it is about stay; but a method goes with what it does. */
export function beginWith(template: FieldValues, before: FieldValues): FieldValues {
  const kept = Object.entries(before).filter(
    ([path]) => /^rule\.(rule_id|label|match\..*)$/.test(path) && path !== 'rule.match.method',
  );
  return { ...Object.fromEntries(kept), ...template };
}

/** A list of one rule as RULES_FILE has them: YAML, of which JSON is a part. */
export function asRulesFile(rule: JsonObject): string {
  const lines = Object.entries(rule).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `- ${lines.length === 0 ? '{}' : lines.join('\n  ')}\n`;
}

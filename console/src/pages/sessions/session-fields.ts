import { fromJson, toJson } from '@bufbuild/protobuf';
import { type Session, SessionSchema } from '../../../../gen/simulator/v1/simulator_pb.js';
import { type FieldSpec, type FieldValues, toValues } from '../../core/fields.ts';
import type { Form } from '../../core/form-json.ts';
import { optionFields } from '../../core/option-fields.ts';

/* What a simulator.v1.Session is made of. Pure. */

export const ownFields: readonly FieldSpec[] = [
  {
    path: 'session.manual_clock',
    kind: 'check',
    label: ['Time stands still until it is moved', '움직일 때까지 시간이 멈춥니다'],
    hint: ['Before the first payment, with state in memory.', '첫 결제 전에, 상태가 메모리에 있을 때.'],
  },
  {
    path: 'session.webhook_url',
    kind: 'text',
    label: ['Webhooks go to', '웹훅 수신 주소'],
    hint: ['Of payments that name no address.', '주소를 지정하지 않은 결제의 경우.'],
  },
  {
    path: 'session.seed',
    kind: 'number',
    label: ['Seed', '시드'],
    hint: ['Of what is left to chance.', '우연에 맡긴 결과를 정합니다.'],
  },
  {
    path: 'session.idle_ttl',
    kind: 'text',
    label: ['Ends unused after', '유휴 종료까지'],
    hint: ['Such as 1800s.', '예: 1800s'],
  },
];

export const claimFields: readonly FieldSpec[] = [
  { path: 'session.claims.user_id', kind: 'text', label: ['User', '사용자'] },
  { path: 'session.claims.reservation_id', kind: 'text', label: ['Reservation', '예약'] },
  { path: 'session.claims.currency', kind: 'text', label: ['Currency', '통화'] },
  { path: 'session.claims.min_amount', kind: 'number', label: ['Amount from', '최소 금액'] },
  { path: 'session.claims.max_amount', kind: 'number', label: ['Amount to', '최대 금액'] },
  { path: 'session.claims.webhook_url', kind: 'text', label: ['Webhook URL', '웹훅 URL'] },
];

export const sessionFields = [...ownFields, ...claimFields, ...optionFields('session.default')];

/** A session, in fields or as JSON. */
export const sessionForm: Form = {
  part: 'session',
  specs: sessionFields,
  rewrite: (json) => toJson(SessionSchema, fromJson(SessionSchema, json), { useProtoFieldName: true }),
};

/** What the session is set to. */
export function valuesOfSession(session: Session | undefined): FieldValues {
  const json = session && toJson(SessionSchema, session, { useProtoFieldName: true });
  return toValues(sessionFields, json === undefined ? {} : { session: json });
}

/** Whether anything is set in it: all is set at once, so making a session that is there would take its settings away. */
export function hasSettings(session: Session | undefined): boolean {
  return Object.keys(valuesOfSession(session)).length > 0;
}

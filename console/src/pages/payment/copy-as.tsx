import type { Payment } from '../../../../gen/payment/v1/payment_pb.js';
import type { JournalEntry } from '../../../../gen/simulator/v1/simulator_pb.js';
import { useState } from 'preact/hooks';
import { Code, SelectField } from '../../components/basics.tsx';
import { asCurl, asGo, asGrpcurl, type CallText } from '../../core/copy-as.ts';
import { defineTexts } from '../../core/language.ts';
import { createCallOf, webhookUrlOf } from './story.ts';

const texts = defineTexts({
  as: ['As', '형식'],
  call: ['Call', '호출'],
  create: ['The call that made it', '이 결제를 만든 호출'],
  status: ['Ask how it stands', '상태 조회'],
  title: ['Do it in your terminal', '터미널에서 해 보기'],
});

const forms = { curl: asCurl, grpcurl: asGrpcurl, Go: asGo } as const;

function isForm(name: string): name is keyof typeof forms {
  return Object.hasOwn(forms, name);
}

/** The calls of the payment in the words of other tools. */
export function CopyAs({
  payment,
  entries,
}: {
  readonly payment: Payment;
  readonly entries: readonly JournalEntry[];
}) {
  const [form, setForm] = useState<keyof typeof forms>('curl');
  const [call, setCall] = useState('create');
  const text = forms[form](
    location.origin,
    call === 'create' ? createText(payment, entries) : statusText(payment),
  );
  return (
    <section class="card">
      <h2>{texts('title')}</h2>
      <div class="filter">
        <SelectField
          label={texts('call')}
          value={call}
          options={[
            ['create', texts('create')],
            ['status', texts('status')],
          ]}
          onChange={setCall}
        />
        <SelectField
          label={texts('as')}
          value={form}
          options={Object.keys(forms).map((name) => [name, name])}
          onChange={(name) => setForm(isForm(name) ? name : 'curl')}
        />
      </div>
      <Code label={texts('title')} text={text} />
    </section>
  );
}

/** As it was sent; when that is forgotten, as the payment says. */
function createText(payment: Payment, entries: readonly JournalEntry[]): CallText {
  const webhookUrl = webhookUrlOf(entries);
  const json =
    createCallOf(entries)?.request ??
    JSON.stringify({
      reservation_id: payment.reservationId,
      user_id: payment.userId,
      amount: { amount: String(payment.amount?.amount ?? 0n), currency: payment.amount?.currency ?? '' },
      ...(webhookUrl !== '' && { webhook_url: webhookUrl }),
    });
  return {
    service: 'payment.v1.PaymentService',
    method: 'CreatePaymentIntent',
    json,
    session: payment.sessionId,
  };
}

function statusText({ paymentIntentId }: Payment): CallText {
  return {
    service: 'payment.v1.PaymentService',
    method: 'GetPaymentStatus',
    json: JSON.stringify({ payment_intent_id: paymentIntentId }),
    session: '',
  };
}

import type { Payment } from '../../../../gen/payment/v1/payment_pb.js';
import { Time } from '../../components/basics.tsx';
import { PaymentBadge } from '../../components/statuses.tsx';
import { formatMoney } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  caption: ['Payments, the newest first', '최신순 결제 목록'],
  rule: ['Rule', '규칙'],
});

export function PaymentsTable({ payments }: { readonly payments: readonly Payment[] }) {
  return (
    <div class="table">
      <table>
        <caption class="visually-hidden">{texts('caption')}</caption>
        <thead>
          <tr>
            <th scope="col">{common('time')}</th>
            <th scope="col">{common('payment')}</th>
            <th scope="col">{common('status')}</th>
            <th scope="col" class="number">
              {common('amount')}
            </th>
            <th scope="col">{common('user')}</th>
            <th scope="col">{common('reservation')}</th>
            <th scope="col">{common('session')}</th>
            <th scope="col">{texts('rule')}</th>
          </tr>
        </thead>
        <tbody>
          {payments.map((payment) => (
            <Row key={payment.paymentIntentId} payment={payment} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ payment }: { readonly payment: Payment }) {
  const { paymentIntentId: id, createdAt, status, failureCode, amount, userId, reservationId } = payment;
  return (
    <tr class="fresh">
      <td>
        <Time at={createdAt} />
      </td>
      <td>
        <a data-row class="mono" title={id} href={hrefTo(['payments', id])}>
          {shortId(id)}
        </a>
      </td>
      <td>
        <PaymentBadge status={status} /> {failureCode !== '' && <code>{failureCode}</code>}
      </td>
      <td class="number">{formatMoney(amount)}</td>
      <Cut text={userId} />
      <Cut text={reservationId} />
      <Cut text={payment.sessionId} />
      <td>
        {rulesOf(payment).map((rule) => (
          <a key={rule} href={hrefTo(['rules'], { rule })}>
            {rule}
          </a>
        ))}
      </td>
    </tr>
  );
}

/** As much of an id as tells payments of one list apart. */
function shortId(id: string): string {
  return id.length <= 13 ? id : `${id.slice(0, 12)}…`;
}

function rulesOf({ ruleId }: Payment): readonly string[] {
  return ruleId === '' ? [] : ruleId.split(',');
}

/** A cell that does not grow with what is in it. */
function Cut({ text }: { readonly text: string }) {
  return (
    <td class="cut" title={text}>
      {text}
    </td>
  );
}

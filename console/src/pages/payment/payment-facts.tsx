import { PaymentScenario, type Payment, PaymentMethod } from '../../../../gen/payment/v1/payment_pb.js';
import type { JournalEntry } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Facts, Time } from '../../components/basics.tsx';
import { formatMoney } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { webhookUrlOf } from './story.ts';

const texts = defineTexts({
  created: ['Created', '생성'],
  method: ['Method', '결제 수단'],
  reason: ['Failure code', '실패 코드'],
  receiver: ['Webhooks go to', '웹훅 수신 주소'],
  refunded: ['Refunded', '환불 금액'],
  rule: ['Decided by the rule', '적용된 규칙'],
  scenario: ['Scenario', '시나리오'],
  settled: ['Settled', '확정'],
  transaction: ['Transaction', '거래 번호'],
  updated: ['Last changed', '마지막 변경'],
});

export function PaymentFacts({
  payment,
  entries,
}: {
  readonly payment: Payment;
  readonly entries: readonly JournalEntry[];
}) {
  const { userId, reservationId, sessionId, ruleId, method, scenario, metadata } = payment;
  return (
    <Facts
      facts={[
        [common('amount'), formatMoney(payment.amount)],
        [texts('refunded'), formatMoney(payment.refundedAmount)],
        [texts('reason'), payment.failureCode === '' ? '' : <code>{payment.failureCode}</code>],
        [common('user'), <a href={hrefTo(['payments'], { user: userId })}>{userId}</a>],
        [
          common('reservation'),
          <a href={hrefTo(['payments'], { reservation: reservationId })}>{reservationId}</a>,
        ],
        [
          common('session'),
          sessionId === '' ? (
            common('globalSession')
          ) : (
            <a href={hrefTo(['payments'], { session: sessionId })}>{sessionId}</a>
          ),
        ],
        [
          texts('rule'),
          ruleId === ''
            ? ''
            : ruleId.split(',').map((rule) => (
                <a key={rule} href={hrefTo(['rules'], { rule, session: sessionId })}>
                  {rule}
                </a>
              )),
        ],
        [texts('scenario'), PaymentScenario[scenario]],
        [texts('method'), method === PaymentMethod.UNSPECIFIED ? '' : PaymentMethod[method]],
        [texts('receiver'), webhookUrlOf(entries)],
        [texts('created'), <Time at={payment.createdAt} />],
        [texts('settled'), payment.processedAt === undefined ? '' : <Time at={payment.processedAt} />],
        [texts('updated'), <Time at={payment.updatedAt} />],
        [texts('transaction'), payment.transactionId],
        ['metadata.source', metadata?.source ?? ''],
        ['metadata.user_agent', metadata?.userAgent ?? ''],
        ['metadata.ip_address', metadata?.ipAddress ?? ''],
      ]}
    />
  );
}

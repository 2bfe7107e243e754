import { useState } from 'preact/hooks';
import { type Payment, PaymentStatus } from '../../../../gen/payment/v1/payment_pb.js';
import type { JournalEntry } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox, TextField } from '../../components/basics.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { payments, simulator } from '../../core/api.ts';
import { formatMoney } from '../../core/format.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { type Action, useAction } from '../../core/loading.ts';
import { goTo, hrefTo } from '../../core/router.ts';
import { webhookUrlOf } from './story.ts';

const texts = defineTexts({
  another: ['Make another like it', '같은 결제 하나 더'],
  cancel: ['Cancel it', '결제 취소'],
  hint: [
    'In the smallest unit of {currency}; {left} is left. Empty: all of it.',
    '{currency}의 최소 단위. 남은 금액은 {left}입니다. 비워 두면 전액입니다.',
  ],
  howMuch: ['How much', '환불 금액'],
  notANumber: ['A whole number, such as 1000', '1000과 같은 정수로 적어 주십시오'],
  refund: ['Refund…', '환불…'],
  refundIt: ['Refund it', '환불하기'],
  resend: ['Send its webhooks again', '웹훅 다시 보내기'],
  resent: ['{count} sent again', '{count}건을 다시 보냈습니다'],
  settle: ['Settle now', '지금 확정'],
  why: ['Why', '사유'],
});

interface ActionsProps {
  readonly payment: Payment;
  readonly entries: readonly JournalEntry[];
  readonly onDone: () => void;
}

/** What can be done to a payment as it stands. */
export function PaymentActions({ payment, entries, onDone }: ActionsProps) {
  const action = useAction();
  const [isRefunding, setRefunding] = useState(false);
  const [resent, setResent] = useState<number | undefined>(undefined);
  const { paymentIntentId, status } = payment;
  const run = (work: () => Promise<unknown>) => action.run(() => work().then(onDone));
  const resend = () =>
    run(async () => {
      const { total } = await simulator.resendDeliveries({
        which: { case: 'paymentIntentId', value: paymentIntentId },
      });
      setResent(total);
    });
  useKeys({ r: resend });
  const isPending = status === PaymentStatus.PENDING;
  return (
    <>
      <div class="page-head">
        <div class="actions">
          {isPending && (
            <>
              <Button
                kind="primary"
                disabled={action.isBusy}
                onClick={() => run(() => payments.processPayment({ paymentIntentId }))}
              >
                {texts('settle')}
              </Button>
              <Button
                disabled={action.isBusy}
                onClick={() => run(() => payments.cancelPayment({ paymentIntentId }))}
              >
                {texts('cancel')}
              </Button>
            </>
          )}
          {status === PaymentStatus.COMPLETED && (
            <Button disabled={action.isBusy} onClick={() => setRefunding(true)}>
              {texts('refund')}
            </Button>
          )}
          {!isPending && (
            <Button disabled={action.isBusy} onClick={resend}>
              {texts('resend')} <kbd>r</kbd>
            </Button>
          )}
          <Button onClick={() => goTo(likeIt(payment, entries))}>{texts('another')}</Button>
          <span aria-live="polite" class="soft">
            {resent !== undefined && texts('resent', { count: resent })}
          </span>
        </div>
      </div>
      <ErrorBox error={action.error} />
      {isRefunding && <RefundDialog payment={payment} onDone={onDone} onClose={() => setRefunding(false)} />}
    </>
  );
}

/** The form of a new payment, filled in as this one was. */
function likeIt(payment: Payment, entries: readonly JournalEntry[]): string {
  return hrefTo(['new'], {
    user: payment.userId,
    amount: payment.amount?.amount.toString(),
    currency: payment.amount?.currency,
    webhook_url: webhookUrlOf(entries),
    session: payment.sessionId === '' ? undefined : payment.sessionId,
  });
}

function RefundDialog({
  payment,
  onDone,
  onClose,
}: {
  readonly payment: Payment;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const [amount, setAmount] = useState('');
  const [reason, setReason] = useState('');
  const action: Action = useAction();
  const currency = payment.amount?.currency ?? '';
  const left = (payment.amount?.amount ?? 0n) - (payment.refundedAmount?.amount ?? 0n);
  const isWrong = !/^\d{0,15}$/.test(amount);
  const refund = () =>
    action.run(async () => {
      await payments.cancelPayment({
        paymentIntentId: payment.paymentIntentId,
        reason,
        ...(amount !== '' && { refundAmount: { amount: BigInt(amount), currency } }),
      });
      onDone();
      onClose();
    });
  return (
    <Dialog title={texts('refundIt')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          refund();
        }}
      >
        <div class="form">
          <TextField
            label={texts('howMuch')}
            value={amount}
            onInput={setAmount}
            inputMode="numeric"
            hint={texts('hint', {
              currency,
              left: formatMoney(payment.amount && { ...payment.amount, amount: left }),
            })}
            problem={isWrong ? texts('notANumber') : undefined}
          />
          <TextField label={texts('why')} value={reason} onInput={setReason} />
        </div>
        <ErrorBox error={action.error} />
        <div class="actions">
          <Button kind="primary" type="submit" disabled={action.isBusy || isWrong}>
            {texts('refundIt')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

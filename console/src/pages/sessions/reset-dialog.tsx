import type { SessionCounters } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox } from '../../components/basics.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { inSession, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  all: ['Reset all sessions', '모든 세션 초기화'],
  count: ['It has {payments} payments and {rules} rules.', '결제 {payments}건과 규칙 {rules}건이 있습니다.'],
  one: ['Reset {session}', '{session} 초기화'],
  what: [
    'Its rules, settings, payments, idempotency keys and what is remembered of it go. Payments that are pending never settle.',
    '규칙, 설정, 결제, 멱등키와 기록이 모두 사라집니다. 대기 중인 결제는 확정되지 않습니다.',
  ],
});

/** Asks once more. @param sessionId `*`: all of them. */
export function ResetDialog({
  sessionId,
  counters,
  onDone,
  onClose,
}: {
  readonly sessionId: string;
  readonly counters?: SessionCounters | undefined;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const action = useAction();
  const name = sessionId === '' ? common('globalSession') : sessionId;
  const reset = () =>
    action.run(async () => {
      await simulator.resetSession({}, inSession(sessionId));
      onDone();
      onClose();
    });
  return (
    <Dialog title={sessionId === '*' ? texts('all') : texts('one', { session: name })} onClose={onClose}>
      <p>{texts('what')}</p>
      {counters !== undefined && (
        <p>
          {texts('count', {
            payments: formatCount(counters.payments),
            rules: formatCount(counters.rules),
          })}
        </p>
      )}
      <ErrorBox error={action.error} />
      <div class="actions">
        <Button kind="danger" disabled={action.isBusy} onClick={reset}>
          {common('reset')}
        </Button>
        <Button onClick={onClose}>{common('cancel')}</Button>
      </div>
    </Dialog>
  );
}

import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { useState } from 'preact/hooks';
import { Button, ErrorBox, SelectField } from '../../components/basics.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { inScope, simulator } from '../../core/api.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { common } from '../../core/texts.ts';
import { faultNamed, faultNames, type FaultName } from './faults.ts';

const texts = defineTexts({
  as: ['How', '방법'],
  asUsual: ['as usual', '평소대로'],
  copies: ['twice', '두 번'],
  delay: ['five seconds late', '5초 늦게'],
  givenUp: ['Send all that were given up…', '포기한 것 모두 다시 보내기…'],
  how: [
    '{count} events were given up in the last day. Send them again?',
    '지난 하루 동안 포기한 이벤트가 {count}건입니다. 다시 보내시겠습니까?',
  ],
  missing: ['without a signature', '서명 없이'],
  none: ['Nothing was given up in the last day.', '지난 하루 동안 포기한 이벤트가 없습니다.'],
  resent: ['{count} sent again', '{count}건을 다시 보냈습니다'],
  selected: ['Send {count} chosen again', '선택한 {count}건 다시 보내기'],
  send: ['Send them', '보내기'],
  stale: ['with a stale timestamp', '오래된 시각으로'],
  tampered: ['with a changed body', '본문을 바꾸어'],
  title: ['Send again', '다시 보내기'],
  wrongSecret: ['signed with a wrong secret', '틀린 시크릿으로 서명하여'],
});

const dayMs = 86_400_000;

interface BarProps {
  /** Ids of events. */
  readonly chosen: ReadonlySet<string>;
  readonly onDone: () => void;
}

/** Sends events again: those that are chosen, or all that were given up. */
export function ResendBar({ chosen, onDone }: BarProps) {
  const [fault, setFault] = useState<FaultName>('asUsual');
  const [resent, setResent] = useState<number | undefined>(undefined);
  const [given, setGiven] = useState<number | undefined>(undefined);
  const action = useAction();
  const simulation = faultNamed(fault);
  const resend = () =>
    action.run(async () => {
      // One after the other: what one asks for many is served like anybody else's.
      for (const eventId of chosen) {
        await simulator.resendDeliveries(
          { which: { case: 'eventId', value: eventId }, ...simulation },
          inScope(),
        );
      }
      setResent(chosen.size);
      onDone();
    });
  const lookForGivenUp = () =>
    action.run(async () => setGiven((await resendGivenUp({ dryRun: true })).total));
  const sendGivenUp = () =>
    action.run(async () => {
      const { total } = await resendGivenUp(simulation);
      setResent(total);
      setGiven(undefined);
      onDone();
    });
  return (
    <>
      <div class="filter">
        <SelectField
          label={texts('as')}
          value={fault}
          options={faultNames.map((name) => [name, texts(name)])}
          onChange={(name) => setFault(faultNames.find((known) => known === name) ?? 'asUsual')}
        />
        <div class="actions bottom">
          <Button disabled={chosen.size === 0 || action.isBusy} onClick={resend}>
            {texts('selected', { count: chosen.size })}
          </Button>
          <Button disabled={action.isBusy} onClick={lookForGivenUp}>
            {texts('givenUp')}
          </Button>
          <span class="soft" aria-live="polite">
            {resent !== undefined && texts('resent', { count: resent })}
          </span>
        </div>
      </div>
      <ErrorBox error={action.error} />
      {given !== undefined && (
        <GivenUpDialog
          count={given}
          isBusy={action.isBusy}
          onSend={sendGivenUp}
          onClose={() => setGiven(undefined)}
        />
      )}
    </>
  );
}

function GivenUpDialog({
  count,
  isBusy,
  onSend,
  onClose,
}: {
  readonly count: number;
  readonly isBusy: boolean;
  readonly onSend: () => void;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={texts('title')} onClose={onClose}>
      <p>{count === 0 ? texts('none') : texts('how', { count })}</p>
      <div class="actions">
        {count > 0 && (
          <Button kind="primary" disabled={isBusy} onClick={onSend}>
            {texts('send')}
          </Button>
        )}
        <Button onClick={onClose}>{common('cancel')}</Button>
      </div>
    </Dialog>
  );
}

function resendGivenUp(how: object) {
  const since = timestampFromMs(Date.now() - dayMs);
  return simulator.resendDeliveries({ which: { case: 'givenUpSince', value: since }, ...how }, inScope());
}

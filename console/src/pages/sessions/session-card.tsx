import { useState } from 'preact/hooks';
import type { ListedSession } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, CopyButton, Facts, Time } from '../../components/basics.tsx';
import { formatCount } from '../../core/format.ts';
import { describeMatch, describeOptions } from '../../core/in-words.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { Clock } from './clock.tsx';
import { EditSession } from './edit-session.tsx';
import { ResetDialog } from './reset-dialog.tsx';

const texts = defineTexts({
  baggage: ['as baggage', 'baggage로'],
  claims: ['Claims', '소속 조건'],
  default: ['Default', '기본 동작'],
  edit: ['Settings…', '설정…'],
  header: ['its header', '헤더'],
  lastUsed: ['Last used', '마지막 사용'],
  matched: ['Rules applied', '규칙 적용'],
  payments: ['Payments', '결제'],
  reset: ['Reset…', '초기화…'],
  rules: ['Rules', '규칙'],
  seed: ['Seed', '시드'],
  show: ['Show its payments', '결제 보기'],
  webhook: ['Webhooks go to', '웹훅 수신 주소'],
});

/** A session: what is in it, how it is set, and its clock. */
export function SessionCard({
  listed,
  onChanged,
}: {
  readonly listed: ListedSession;
  readonly onChanged: () => void;
}) {
  const [isEditing, setEditing] = useState(false);
  const [isResetting, setResetting] = useState(false);
  const { session } = listed;
  const id = session?.sessionId ?? '';
  const name = id === '' ? common('globalSession') : id;
  return (
    <section class="card">
      <header class="page-head">
        <h2>{name}</h2>
        <div class="actions">
          <a
            data-row
            class="button"
            href={hrefTo(['payments'], { session: id })}
            aria-label={`${texts('show')}: ${name}`}
          >
            {texts('show')}
          </a>
          <Button onClick={() => setEditing(!isEditing)} label={`${texts('edit')} ${name}`}>
            {texts('edit')}
          </Button>
          <Button kind="danger" onClick={() => setResetting(true)} label={`${texts('reset')} ${name}`}>
            {texts('reset')}
          </Button>
        </div>
      </header>
      <InIt listed={listed} />
      {session !== undefined && <Clock listed={listed} onChanged={onChanged} />}
      {isEditing && (
        <EditSession
          session={session}
          onDone={() => {
            setEditing(false);
            onChanged();
          }}
        />
      )}
      {isResetting && <ResetDialog sessionId={id} onDone={onChanged} onClose={() => setResetting(false)} />}
    </section>
  );
}

function InIt({ listed }: { readonly listed: ListedSession }) {
  const { session, counters, lastUsedAt } = listed;
  const id = session?.sessionId ?? '';
  return (
    <>
      <Facts
        facts={[
          [texts('payments'), paymentsOf(listed)],
          [texts('rules'), formatCount(counters?.rules ?? 0)],
          [texts('matched'), formatCount(counters?.matched ?? 0n)],
          [texts('lastUsed'), lastUsedAt === undefined ? '' : <Time at={lastUsedAt} />],
          [texts('default'), describeOptions(session?.default)],
          [texts('claims'), describeMatch(session?.claims)],
          [texts('webhook'), session?.webhookUrl ?? ''],
          [texts('seed'), session?.seed === undefined ? '' : String(session.seed)],
        ]}
      />
      {id !== '' && (
        <p class="row">
          <CopyButton text={`payment-sim-session: ${id}`}>
            {common('copy')}: {texts('header')}
          </CopyButton>
          <CopyButton text={`baggage: payment-sim.session=${encodeURIComponent(id)}`}>
            {common('copy')}: {texts('baggage')}
          </CopyButton>
        </p>
      )}
    </>
  );
}

function paymentsOf({ counters }: ListedSession): string {
  const byStatus = Object.entries(counters?.paymentsByStatus ?? {}).map(
    ([status, count]) => `${status} ${formatCount(count)}`,
  );
  return `${formatCount(counters?.payments ?? 0)}${byStatus.length === 0 ? '' : ` (${byStatus.join(', ')})`}`;
}

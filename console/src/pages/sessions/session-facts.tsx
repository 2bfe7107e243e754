import type { ListedSession } from '../../../../gen/simulator/v1/simulator_pb.js';
import { CopyButton, Facts, Time } from '../../components/basics.tsx';
import { formatCount, formatDuration } from '../../core/format.ts';
import { describeMatch, describeOptions } from '../../core/in-words.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';

const texts = defineTexts({
  baggage: ['Copy as baggage', 'baggage로 복사'],
  claims: ['Claims', '소속 조건'],
  default: ['Default', '기본 동작'],
  header: ['Copy as header', '헤더로 복사'],
  idle: ['Ends unused after', '유휴 종료까지'],
  lastUsed: ['Last used', '마지막 사용'],
  matched: ['Rules applied', '규칙 적용'],
  payments: ['Payments', '결제'],
  rules: ['Rules', '규칙'],
  seed: ['Seed', '시드'],
  webhook: ['Webhooks go to', '웹훅 수신 주소'],
});

/** What is in a session, how it is set, and how calls come into it. */
export function SessionFacts({ listed }: { readonly listed: ListedSession }) {
  const { session, counters, lastUsedAt } = listed;
  const id = session?.sessionId ?? '';
  return (
    <>
      <Facts
        facts={[
          [texts('payments'), paymentsOf(listed)],
          [
            texts('rules'),
            <a key="rules" href={hrefTo(['rules'], { session: id })}>
              {formatCount(counters?.rules ?? 0)}
            </a>,
          ],
          [texts('matched'), formatCount(counters?.matched ?? 0n)],
          [texts('lastUsed'), lastUsedAt === undefined ? '' : <Time at={lastUsedAt} />],
          [texts('default'), describeOptions(session?.default)],
          [texts('claims'), describeMatch(session?.claims)],
          [texts('webhook'), session?.webhookUrl ?? ''],
          [texts('seed'), session?.seed === undefined ? '' : String(session.seed)],
          [texts('idle'), formatDuration(session?.idleTtl)],
        ]}
      />
      {id !== '' && <Keys id={id} />}
    </>
  );
}

/** What a call has that belongs to the session. */
function Keys({ id }: { readonly id: string }) {
  const lines = [
    [`payment-sim-session: ${id}`, texts('header')],
    [`baggage: payment-sim.session=${encodeURIComponent(id)}`, texts('baggage')],
  ] as const;
  return (
    <ul class="keys">
      {lines.map(([line, copy]) => (
        <li key={line} class="row">
          <code>{line}</code>
          <CopyButton text={line}>{copy}</CopyButton>
        </li>
      ))}
    </ul>
  );
}

function paymentsOf({ counters }: ListedSession): string {
  const byStatus = Object.entries(counters?.paymentsByStatus ?? {}).map(
    ([status, count]) => `${status} ${formatCount(count)}`,
  );
  return `${formatCount(counters?.payments ?? 0)}${byStatus.length === 0 ? '' : ` (${byStatus.join(', ')})`}`;
}

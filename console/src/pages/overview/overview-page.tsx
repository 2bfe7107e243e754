import { ConnectError } from '@connectrpc/connect';
import { useEffect, useState } from 'preact/hooks';
import { ErrorBox, PageHead } from '../../components/basics.tsx';
import { canSteer } from '../../core/api.ts';
import { formatCount, formatMs } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { Chart } from './chart.tsx';
import { Codes } from './codes.tsx';
import { type FigureName, figureNames, units } from './figures.ts';
import { look, points } from './history.ts';
import { Receivers } from './receivers-card.tsx';

const texts = defineTexts({
  callP50: ['Call latency, p50', '호출 지연, p50'],
  callP99: ['Call latency, p99', '호출 지연, p99'],
  calls: ['Calls', '호출'],
  connections: ['Connections', '호출자 연결'],
  eventsWaiting: ['EventBridge backlog', '전송 중인 EventBridge 이벤트'],
  failedCalls: ['Calls that failed', '실패한 호출'],
  givenUp: ['Given up', '포기한 전송'],
  lagP99: ['Settlement lag, p99', '확정 지연, p99'],
  memory: ['Memory', '메모리'],
  most: ['{now}; in the last {time} at most {most}', '{now}, 최근 {time} 동안 최대 {most}'],
  nothing: ['–', '–'],
  payments: ['Payments made', '생성된 결제'],
  pending: ['Pending payments', '대기 중인 결제'],
  perSecond: ['{count}/s', '초당 {count}건'],
  settlements: ['Settlements', '확정'],
  title: ['Overview', '개요'],
  webhookFailures: ['Failed webhook attempts', '실패한 웹훅 시도'],
  webhooks: ['Webhooks delivered', '전달된 웹훅'],
  webhooksWaiting: ['Webhooks waiting', '대기 중인 웹훅'],
});

const everyMs = 1_000;

/** How the service does, a look a second while the page is there. */
export function OverviewPage() {
  const [error, setError] = useState<ConnectError | undefined>(undefined);
  useEffect(() => {
    const lookOnce = () =>
      void look().then(
        () => setError(undefined),
        (reason: unknown) => setError(ConnectError.from(reason)),
      );
    lookOnce();
    const timer = setInterval(lookOnce, everyMs);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <PageHead title={texts('title')} />
      <ErrorBox error={error} />
      <div class="tiles">
        {figureNames.map((name) => (
          <Tile key={name} name={name} />
        ))}
      </div>
      <Codes />
      {canSteer.value === true && <Receivers />}
    </>
  );
}

function Tile({ name }: { readonly name: FigureName }) {
  const shown = points.value;
  const values = shown.map(({ figures }) => figures[name]);
  const now = say(name, values.at(-1));
  const most = say(name, Math.max(0, ...values.map((value) => value ?? 0)));
  const time = formatMs((shown.at(-1)?.atMs ?? 0) - (shown[0]?.atMs ?? 0));
  return (
    <section class="card">
      <h2>{texts(name)}</h2>
      <div class="figure">{now}</div>
      <Chart label={`${texts(name)}: ${texts('most', { now, most, time })}`} values={values} />
    </section>
  );
}

function say(name: FigureName, value: number | undefined): string {
  if (value === undefined) {
    return texts('nothing');
  }
  switch (units[name]) {
    case 'rate':
      return texts('perSecond', { count: formatCount(Math.round(value * 10) / 10) });
    case 'seconds':
      return value < 0.01 ? `${(value * 1_000).toFixed(1)} ms` : formatMs(value * 1_000);
    case 'bytes':
      return `${Math.round(value / 1_048_576)} MiB`;
    case 'count':
      return formatCount(value);
  }
}

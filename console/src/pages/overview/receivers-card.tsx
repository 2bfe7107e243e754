import { useEffect } from 'preact/hooks';
import { Badge, ErrorBox } from '../../components/basics.tsx';
import { inScope, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { useLoaded } from '../../core/loading.ts';
import { hrefTo } from '../../core/router.ts';
import { receiversOf } from './receivers.ts';

const texts = defineTexts({
  delivered: ['Delivered', '전달됨'],
  failures: ['Failed attempts', '실패한 시도'],
  givenUp: ['Given up', '포기'],
  lastError: ['Last error', '마지막 오류'],
  none: ['No webhook was sent yet.', '아직 보낸 웹훅이 없습니다.'],
  receiver: ['Receiver', '수신 서버'],
  title: ['Receivers, by the last webhooks', '최근 웹훅으로 본 수신 서버 상태'],
  waiting: ['Waiting', '대기'],
});

/** So many deliveries are looked at: the most that the service gives at once. */
const pageSize = 1_000;
const everyMs = 3_000;

export function Receivers() {
  const { value, error, reload } = useLoaded(() => simulator.listDeliveries({ pageSize }, inScope()), []);
  useEffect(() => {
    const timer = setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, []);
  const receivers = receiversOf(value?.deliveries ?? []);
  return (
    <section class="card">
      <h2>{texts('title')}</h2>
      <ErrorBox error={error} />
      {receivers.length === 0 ? (
        <p class="soft">{texts('none')}</p>
      ) : (
        <div class="table">
          <table>
            <thead>
              <tr>
                <th scope="col">{texts('receiver')}</th>
                {(['delivered', 'waiting', 'givenUp', 'failures'] as const).map((name) => (
                  <th key={name} scope="col" class="number">
                    {texts(name)}
                  </th>
                ))}
                <th scope="col">{texts('lastError')}</th>
              </tr>
            </thead>
            <tbody>
              {receivers.map(({ origin, delivered, waiting, givenUp, failures, lastError }) => (
                <tr key={origin}>
                  <td>
                    {origin} {givenUp > 0 && <Badge tone="bad">GIVEN_UP</Badge>}
                  </td>
                  <td class="number">{formatCount(delivered)}</td>
                  <td class="number">{formatCount(waiting)}</td>
                  <td class="number">
                    <a href={hrefTo(['deliveries'], { status: 'GIVEN_UP' })}>{formatCount(givenUp)}</a>
                  </td>
                  <td class="number">{formatCount(failures)}</td>
                  <td class="cut" title={lastError}>
                    {lastError}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

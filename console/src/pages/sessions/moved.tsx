import { timestampMs } from '@bufbuild/protobuf/wkt';
import { SimulatedChannel } from '../../../../gen/payment/v1/payment_pb.js';
import type { AdvanceClockResponse, JournalEntry } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Time } from '../../components/basics.tsx';
import { DeliveryBadge, PaymentBadge } from '../../components/statuses.tsx';
import { formatCount } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';

const texts = defineTexts({
  deliveries: ['{count} deliveries', '전송 {count}건'],
  more: ['{count} more are not shown.', '그 밖의 {count}건은 생략했습니다.'],
  transitions: ['{count} changes of payments', '결제 변화 {count}건'],
});

/** More are counted, and not shown. */
const maxShown = 100;

/** What happened while a clock was moved, in the order in which it did. */
export function Moved({ answer }: { readonly answer: AdvanceClockResponse }) {
  const { transitions, deliveries, transitionsTotal, deliveriesTotal } = answer;
  const shown = [...transitions, ...deliveries].toSorted((a, b) => timeOf(a) - timeOf(b)).slice(0, maxShown);
  const left = transitionsTotal + deliveriesTotal - shown.length;
  return (
    <>
      <p class="soft">
        {texts('transitions', { count: formatCount(transitionsTotal) })},{' '}
        {texts('deliveries', { count: formatCount(deliveriesTotal) })}
      </p>
      <ul class="moved">
        {shown.map((entry) => (
          <li key={entry.cursor} class="row">
            <What entry={entry} />
          </li>
        ))}
      </ul>
      {left > 0 && <p class="soft">{texts('more', { count: formatCount(left) })}</p>}
    </>
  );
}

function What({ entry: { paymentIntentId, sessionId, what } }: { readonly entry: JournalEntry }) {
  const link = (
    <a class="mono" href={hrefTo(['payments', paymentIntentId], { session: sessionId })}>
      {paymentIntentId}
    </a>
  );
  switch (what.case) {
    case 'transition':
      return (
        <>
          <Time at={what.value.payment?.updatedAt} /> {link}{' '}
          <PaymentBadge status={what.value.payment?.status ?? 0} />
        </>
      );
    case 'delivery':
      return (
        <>
          {link} {SimulatedChannel[what.value.channel]} <DeliveryBadge status={what.value.status} />
          {what.value.error !== '' && <span class="soft">{what.value.error}</span>}
        </>
      );
    case 'call':
    case undefined:
      return link;
  }
}

function timeOf({ time }: JournalEntry): number {
  return time === undefined ? 0 : timestampMs(time);
}

import { SimulatedChannel } from '../../../../gen/payment/v1/payment_pb.js';
import type { Delivery } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Attempts } from '../../components/attempts.tsx';
import { Facts, Time } from '../../components/basics.tsx';
import { DeliveryBadge } from '../../components/statuses.tsx';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  error: ['Error', '오류'],
  event: ['Event', '이벤트'],
  faults: ['On purpose', '일부러 한 일'],
  next: ['Next attempt', '다음 시도'],
  receiver: ['Receiver', '수신 주소'],
  type: ['Type', '종류'],
});

/** An event by one channel, with all attempts. */
export function DeliveryDetail({ delivery }: { readonly delivery: Delivery }) {
  const { channel, status, eventId, sequence, url, paymentIntentId: id, faults, error } = delivery;
  return (
    <section class="card">
      <h2>
        {SimulatedChannel[channel]} <DeliveryBadge status={status} />
      </h2>
      <Facts
        facts={[
          [texts('event'), `${eventId} #${sequence}`],
          [texts('type'), delivery.eventType],
          [common('payment'), <a href={hrefTo(['payments', id])}>{id}</a>],
          [texts('receiver'), url],
          [texts('faults'), faults.join(', ')],
          [texts('error'), error],
          [texts('next'), delivery.nextAttemptAt === undefined ? '' : <Time at={delivery.nextAttemptAt} />],
        ]}
      />
      <Attempts delivery={delivery} />
    </section>
  );
}

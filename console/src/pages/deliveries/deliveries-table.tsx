import { SimulatedChannel } from '../../../../gen/payment/v1/payment_pb.js';
import type { Delivery } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Badge, Time } from '../../components/basics.tsx';
import { DeliveryBadge, PaymentBadge } from '../../components/statuses.tsx';
import { defineTexts } from '../../core/language.ts';
import { hrefTo, route } from '../../core/router.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  attempts: ['Attempts', '시도'],
  caption: ['Deliveries, the newest payment first', '최신 결제순 전송 목록'],
  channel: ['Channel', '채널'],
  choose: ['Choose {event}', '{event} 선택'],
  chooseAll: ['Choose all shown', '보이는 항목 모두 선택'],
  event: ['Event', '이벤트'],
  last: ['Last answer', '마지막 응답'],
  next: ['Next attempt', '다음 시도'],
  says: ['Tells', '알리는 상태'],
});

interface TableProps {
  readonly deliveries: readonly Delivery[];
  /** Ids of events. */
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
}

export function DeliveriesTable({ deliveries, chosen, onChoose }: TableProps) {
  const all = new Set(deliveries.map(({ eventId }) => eventId));
  const hasAll = [...all].every((id) => chosen.has(id));
  return (
    <div class="table">
      <table>
        <caption class="visually-hidden">{texts('caption')}</caption>
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label={texts('chooseAll')}
                checked={hasAll}
                onChange={() => onChoose(hasAll ? new Set() : all)}
              />
            </th>
            {heads().map((text) => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {deliveries.map((delivery) => (
            <Row
              key={`${delivery.eventId} ${delivery.channel}`}
              delivery={delivery}
              isChosen={chosen.has(delivery.eventId)}
              onChoose={() => onChoose(toggled(chosen, delivery.eventId))}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function heads(): readonly string[] {
  return [
    common('time'),
    texts('event'),
    texts('says'),
    texts('channel'),
    common('status'),
    texts('attempts'),
    texts('last'),
    texts('next'),
    common('payment'),
  ];
}

function toggled(chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const changed = new Set(chosen);
  if (!changed.delete(id)) {
    changed.add(id);
  }
  return changed;
}

function Row({
  delivery,
  isChosen,
  onChoose,
}: {
  readonly delivery: Delivery;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}) {
  const { eventId, sequence, channel, status, attempts, paymentIntentId: id } = delivery;
  const last = attempts.at(-1);
  const kept = Object.fromEntries(route.value.query);
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={texts('choose', { event: eventId })}
          checked={isChosen}
          onChange={onChoose}
        />
      </td>
      <td>
        <Time at={delivery.occurredAt} />
      </td>
      <td>
        <a data-row class="mono" title={eventId} href={hrefTo(['deliveries'], { ...kept, event: eventId })}>
          {eventId.slice(0, 12)}… #{sequence}
        </a>
      </td>
      <td>
        <PaymentBadge status={delivery.paymentStatus} />
      </td>
      <td>{SimulatedChannel[channel]}</td>
      <td>
        <DeliveryBadge status={status} />{' '}
        {delivery.faults.length > 0 && <Badge tone="info">{delivery.faults.join(', ')}</Badge>}
      </td>
      <td class="number">{attempts.length}</td>
      <td class="cut" title={delivery.error}>
        {last === undefined ? '' : last.error === '' ? last.statusCode || 'OK' : last.error}
      </td>
      <td>
        <Time at={delivery.nextAttemptAt} />
      </td>
      <td>
        <a class="mono" title={id} href={hrefTo(['payments', id])}>
          {id.slice(0, 12)}…
        </a>
      </td>
    </tr>
  );
}

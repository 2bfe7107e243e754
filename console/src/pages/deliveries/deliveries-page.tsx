import { useState } from 'preact/hooks';
import { type Delivery, DeliveryStatus, EntryKind } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, Empty, ErrorBox, PageHead, SelectField, TextField } from '../../components/basics.tsx';
import { deliveryStatusOptions } from '../../components/statuses.tsx';
import { inScope, simulator } from '../../core/api.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { replaceQuery, route } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { DeliveriesTable } from './deliveries-table.tsx';
import { DeliveryDetail } from './delivery-detail.tsx';
import { ResendBar } from './resend-bar.tsx';

const texts = defineTexts({
  event: ['Event', '이벤트'],
  more: ['Show more', '더 보기'],
  none: ['Nothing was told of any payment yet.', '아직 알린 결제가 없습니다.'],
  sampled: ['{count} a second: asked once a second.', '초당 {count}건입니다. 1초에 한 번 새로 불러옵니다.'],
  title: ['Deliveries', '전송'],
});

/** With so many more each time. */
const pageSize = 50;
/** From so many a second on nobody could read them one by one. */
const tooManyToShow = 50;

/** Every event on its way by one channel, the newest payment first, live. */
export function DeliveriesPage() {
  const { query } = route.value;
  const status = query.get('status') ?? '';
  const payment = query.get('payment') ?? '';
  const event = query.get('event') ?? '';
  const [shown, setShown] = useState(pageSize);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { value, error, reload } = useLoaded(
    () => list(status, payment, event === '' ? shown : maxShown),
    [status, payment, event, shown],
  );
  const perSecond = useLiveReload('deliveries', { kinds: [EntryKind.DELIVERY] }, reload);
  useKeys({ r: reload });
  const deliveries = (value?.deliveries ?? []).filter(({ eventId }) => event === '' || eventId === event);
  return (
    <>
      <PageHead title={texts('title')}>
        <Button onClick={reload}>{common('refresh')}</Button>
      </PageHead>
      <Filter status={status} payment={payment} event={event} />
      <ErrorBox error={error} />
      {perSecond > tooManyToShow && (
        <p class="box info" role="status">
          {texts('sampled', { count: perSecond })}
        </p>
      )}
      <ResendBar chosen={chosen} onDone={reload} />
      {value === undefined ? (
        <p class="soft">{error === undefined && common('loading')}</p>
      ) : deliveries.length === 0 ? (
        <Empty>{status + payment + event === '' ? texts('none') : common('nothingFits')}</Empty>
      ) : (
        <DeliveriesTable deliveries={deliveries} chosen={chosen} onChoose={setChosen} />
      )}
      {event !== '' && deliveries.map((one) => <DeliveryDetail key={one.channel} delivery={one} />)}
      {value?.nextPageToken !== '' && event === '' && value !== undefined && (
        <Button onClick={() => setShown(Math.min(maxShown, shown + pageSize))}>{texts('more')}</Button>
      )}
    </>
  );
}

/** The most that the service gives at once. */
const maxShown = 1_000;

async function list(
  status: string,
  paymentIntentId: string,
  size: number,
): Promise<{ readonly deliveries: readonly Delivery[]; readonly nextPageToken: string }> {
  const found = Object.entries(DeliveryStatus).find(([name]) => name === status)?.[1];
  const wanted = typeof found === 'number' ? found : DeliveryStatus.UNSPECIFIED;
  return await simulator.listDeliveries({ paymentIntentId, status: wanted, pageSize: size }, inScope());
}

function Filter({
  status,
  payment,
  event,
}: {
  readonly status: string;
  readonly payment: string;
  readonly event: string;
}) {
  return (
    <div class="filter" data-filter>
      <TextField
        label={common('payment')}
        value={payment}
        onInput={(value) => replaceQuery({ payment: value })}
      />
      <TextField label={texts('event')} value={event} onInput={(value) => replaceQuery({ event: value })} />
      <SelectField
        label={common('status')}
        value={status}
        options={deliveryStatusOptions()}
        onChange={(value) => replaceQuery({ status: value })}
      />
    </div>
  );
}

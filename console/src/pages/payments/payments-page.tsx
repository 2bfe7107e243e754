import { PaymentStatus } from '../../../../gen/payment/v1/payment_pb.js';
import { EntryKind } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, Empty, ErrorBox, PageHead, SelectField, TextField } from '../../components/basics.tsx';
import { paymentStatusOptions } from '../../components/statuses.tsx';
import { canSteer, inScope, payments } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { hrefTo, replaceQuery, route } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { PaymentsTable } from './payments-table.tsx';

const texts = defineTexts({
  count: ['{count} payments', '결제 {count}건'],
  empty: ['No payments yet.', '아직 결제가 없습니다.'],
  emptyHow: [
    'Make one here, or let your service call port 8030: it appears at once.',
    '여기서 하나 만들거나, 서비스가 8030 포트를 호출하게 하십시오. 바로 나타납니다.',
  ],
  makeOne: ['Make a payment', '결제 만들기'],
  newer: ['Newer', '다음 결제'],
  newest: ['Newest', '최신'],
  older: ['Older', '이전 결제'],
  sampled: [
    '{count} changes a second: this list shows the newest, once a second.',
    '초당 {count}건이 바뀌고 있습니다. 목록은 1초에 한 번 최신 결제만 보여 줍니다.',
  ],
  title: ['Payments', '결제'],
});

const pageSize = 50;
/** From so many changes a second on a list cannot show each of them. */
const tooManyToShow = 50;

/** The newest payments, live. */
export function PaymentsPage() {
  const { query } = route.value;
  const filter = {
    status: query.get('status') ?? '',
    user: query.get('user') ?? '',
    reservation: query.get('reservation') ?? '',
    cursor: query.get('cursor') ?? '',
  };
  const { value, error, reload } = useLoaded(() => list(filter), Object.values(filter));
  const perSecond = useLiveReload('payments', { kinds: [EntryKind.TRANSITION] }, () => {
    // An older page does not change under its reader.
    if (filter.cursor === '') {
      reload();
    }
  });
  useKeys({ r: reload });
  const page = value?.pageInfo;
  return (
    <>
      <PageHead title={texts('title')}>
        {page !== undefined && (
          <span class="soft">{texts('count', { count: formatCount(page.totalCount) })}</span>
        )}
        <Button onClick={reload}>{common('refresh')}</Button>
      </PageHead>
      <Filter {...filter} />
      <ErrorBox error={error} />
      {perSecond > tooManyToShow && (
        <p class="box info" role="status">
          {texts('sampled', { count: formatCount(perSecond) })}
        </p>
      )}
      {value === undefined ? (
        <p class="soft">{error === undefined && common('loading')}</p>
      ) : value.payments.length > 0 ? (
        <PaymentsTable payments={value.payments} />
      ) : (
        <NoPayments isFiltered={Object.values(filter).some((part) => part !== '')} />
      )}
      <nav class="actions" aria-label={texts('older')}>
        {filter.cursor !== '' && <PageLink text={texts('newest')} cursor="" />}
        {page?.hasPreviousPage === true && filter.cursor !== '' && (
          <PageLink text={texts('newer')} cursor={page.previousCursor} />
        )}
        {page?.hasNextPage === true && <PageLink text={texts('older')} cursor={page.nextCursor} />}
      </nav>
    </>
  );
}

interface Filters {
  readonly status: string;
  readonly user: string;
  readonly reservation: string;
  readonly cursor: string;
}

function list({ status, user, reservation, cursor }: Filters) {
  return payments.listPayments(
    {
      userId: user,
      reservationId: reservation,
      status: statusNamed(status),
      pagination: { pageSize, cursor },
    },
    inScope(),
  );
}

/** What an address names may be no status. */
function statusNamed(name: string): PaymentStatus {
  const found = Object.entries(PaymentStatus).find(
    ([key, value]) => key === name && typeof value === 'number',
  );
  return found === undefined ? PaymentStatus.UNSPECIFIED : Number(found[1]);
}

/** With another filter the list begins at its newest again. */
function set(changed: Readonly<Record<string, string>>): void {
  replaceQuery({ ...changed, cursor: undefined });
}

function Filter({ status, user, reservation }: Filters) {
  return (
    <div class="filter" data-filter>
      <TextField label={common('user')} value={user} onInput={(value) => set({ user: value })} />
      <TextField
        label={common('reservation')}
        value={reservation}
        onInput={(value) => set({ reservation: value })}
      />
      <SelectField
        label={common('status')}
        value={status}
        options={paymentStatusOptions()}
        onChange={(value) => set({ status: value })}
      />
    </div>
  );
}

function PageLink({ text, cursor }: { readonly text: string; readonly cursor: string }) {
  const kept = Object.fromEntries(route.value.query);
  return (
    <a class="button" href={hrefTo(['payments'], { ...kept, cursor })}>
      {text}
    </a>
  );
}

function NoPayments({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) {
    return <Empty>{common('nothingFits')}</Empty>;
  }
  return (
    <Empty>
      <h2>{texts('empty')}</h2>
      <p>{texts('emptyHow')}</p>
      {canSteer.value === true && (
        <a class="button primary" href={hrefTo(['new'])}>
          {texts('makeOne')}
        </a>
      )}
    </Empty>
  );
}

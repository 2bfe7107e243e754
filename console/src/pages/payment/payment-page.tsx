import { EntryKind, type JournalEntry } from '../../../../gen/simulator/v1/simulator_pb.js';
import type { Payment } from '../../../../gen/payment/v1/payment_pb.js';
import { useState } from 'preact/hooks';
import { ErrorBox, PageHead } from '../../components/basics.tsx';
import { PaymentBadge } from '../../components/statuses.tsx';
import { canSteer, looking, payments } from '../../core/api.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { common } from '../../core/texts.ts';
import { useWatch } from '../../core/watch.ts';
import { CopyAs } from './copy-as.tsx';
import { PaymentActions } from './payment-actions.tsx';
import { PaymentFacts } from './payment-facts.tsx';
import { keepNewest, nextOf } from './story.ts';
import { Timeline } from './timeline.tsx';
import { WhatComesNext } from './what-comes-next.tsx';

const texts = defineTexts({
  timeline: ['What happened', '지금까지의 일'],
  noJournal: [
    'What happened is remembered only with SIMULATOR_API=on.',
    '지금까지의 일은 SIMULATOR_API=on일 때만 기록됩니다.',
  ],
});

/** One payment, from its call to the last attempt to tell of it. */
export function PaymentPage({ id }: { readonly id: string }) {
  const { value, error, reload } = useLoaded(
    () => payments.getPaymentStatus({ paymentIntentId: id }, looking()),
    [id],
  );
  const [entries, setEntries] = useState<readonly JournalEntry[]>([]);
  useWatch(id, { filter: { paymentIntentId: id }, fromOldest: true }, (batch) =>
    setEntries((before) => keepNewest(before, batch.entries)),
  );
  useLiveReload(id, { paymentIntentId: id, kinds: [EntryKind.TRANSITION] }, reload);
  const payment = value?.payment;
  return (
    <>
      <PageHead
        title={
          <>
            {common('payment')} <span class="mono">{id}</span>{' '}
            {payment !== undefined && <PaymentBadge status={payment.status} />}
          </>
        }
      />
      <ErrorBox error={error} />
      {payment === undefined
        ? error === undefined && <p class="soft">{common('loading')}</p>
        : story(payment, entries, reload)}
    </>
  );
}

function story(payment: Payment, entries: readonly JournalEntry[], reload: () => void) {
  return (
    <>
      {canSteer.value === true && <PaymentActions payment={payment} entries={entries} onDone={reload} />}
      <WhatComesNext sessionId={payment.sessionId} next={nextOf(entries)} />
      <section class="card" aria-label={common('payment')}>
        <PaymentFacts payment={payment} entries={entries} />
      </section>
      <section class="card">
        <h2>{texts('timeline')}</h2>
        {canSteer.value === true ? <Timeline entries={entries} /> : <p class="soft">{texts('noJournal')}</p>}
      </section>
      <CopyAs payment={payment} entries={entries} />
    </>
  );
}

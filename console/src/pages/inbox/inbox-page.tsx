import { EntryKind } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, Empty, ErrorBox, PageHead, TextField } from '../../components/basics.tsx';
import { inScope, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { useKeys } from '../../core/keys.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { hrefTo, replaceQuery, route } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { HowToUse, InboxAddress } from './inbox-address.tsx';
import { InboxDetail } from './inbox-detail.tsx';
import { InboxList } from './inbox-list.tsx';
import { texts } from './inbox-texts.ts';

/** Nobody reads more, and all of it comes again each second. */
const maxShown = 100;

/** What came to the built-in receiver, the newest first, live. */
export function InboxPage() {
  const { query } = route.value;
  const payment = query.get('payment') ?? '';
  const open = query.get('webhook') ?? '';
  const { value, error, reload } = useLoaded(
    () => simulator.listReceived({ paymentIntentId: payment, pageSize: maxShown }, inScope()),
    [payment],
  );
  useLiveReload('inbox', { kinds: [EntryKind.DELIVERY] }, reload);
  useKeys({ r: reload });
  const opened = value?.webhooks.find(({ number }) => number.toString() === open);
  return (
    <>
      <PageHead title={texts('title')}>
        <a class="button" href={hrefTo(['sessions'])}>
          {texts('clear')}
        </a>
        <Button onClick={reload}>
          {common('refresh')} <kbd>r</kbd>
        </Button>
      </PageHead>
      {value !== undefined && <InboxAddress address={value.address} />}
      <div class="filter" data-filter>
        <TextField
          label={common('payment')}
          value={payment}
          onInput={(text) => replaceQuery({ payment: text, webhook: undefined })}
          placeholder="pay-…"
        />
      </div>
      <ErrorBox error={error} />
      {open !== '' && value !== undefined && opened === undefined && (
        <p class="box wait">{texts('forgotten', { number: open })}</p>
      )}
      {value === undefined ? (
        <p class="soft">{error === undefined && common('loading')}</p>
      ) : value.webhooks.length === 0 ? (
        payment === '' ? (
          <HowToUse address={value.address} />
        ) : (
          <Empty>{common('nothingFits')}</Empty>
        )
      ) : (
        <div class={opened === undefined ? 'inbox' : 'inbox split'}>
          <div class="inbox-rows">
            <InboxList webhooks={value.webhooks} open={open} />
            <p class="soft">
              {texts('shown', { shown: value.webhooks.length, total: formatCount(value.total) })}
            </p>
          </div>
          {opened !== undefined && <InboxDetail webhook={opened} />}
        </div>
      )}
    </>
  );
}

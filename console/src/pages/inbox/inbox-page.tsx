import { EntryKind, type ReceivedWebhook } from '../../../../gen/simulator/v1/simulator_pb.js';
import {
  Badge,
  Button,
  Code,
  CopyButton,
  Empty,
  ErrorBox,
  PageHead,
  prettyJson,
  TextField,
  Time,
} from '../../components/basics.tsx';
import { SignatureCheck } from '../../components/signature-check.tsx';
import { inScope, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { hrefTo, replaceQuery, route } from '../../core/router.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  answered: ['answered {code}', '{code}로 응답'],
  body: ['Body', '본문'],
  count: ['{count} received', '{count}건 수신'],
  empty: ['Nothing has arrived yet.', '아직 도착한 것이 없습니다.'],
  headers: ['Headers', '헤더'],
  how: [
    'Give this address as the webhook_url of a payment, and see here what arrives and whether it verifies.',
    '이 주소를 결제의 webhook_url로 지정하면 무엇이 도착했고 서명이 맞는지 여기에서 볼 수 있습니다.',
  ],
  make: ['Make a payment', '결제 만들기'],
  retries: [
    'With ?answer=503 behind it, it answers so, and you see attempts repeated.',
    '뒤에 ?answer=503을 붙이면 그렇게 응답하므로 재시도를 볼 수 있습니다.',
  ],
  signature: ['Check the signature', '서명 확인'],
  title: ['Inbox', '수신함'],
  verified: ['verified', '검증됨'],
  wrong: ['not verified', '검증되지 않음'],
});

/** What came to the built-in receiver, the newest first, live. */
export function InboxPage() {
  const payment = route.value.query.get('payment') ?? '';
  const { value, error, reload } = useLoaded(
    () => simulator.listReceived({ paymentIntentId: payment, pageSize: 50 }, inScope()),
    [payment],
  );
  useLiveReload('inbox', { kinds: [EntryKind.DELIVERY] }, reload);
  useKeys({ r: reload });
  return (
    <>
      <PageHead title={texts('title')}>
        {value !== undefined && (
          <span class="soft">{texts('count', { count: formatCount(value.total) })}</span>
        )}
        <Button onClick={reload}>{common('refresh')}</Button>
      </PageHead>
      <div class="filter" data-filter>
        <TextField
          label={common('payment')}
          value={payment}
          onInput={(text) => replaceQuery({ payment: text })}
        />
      </div>
      <ErrorBox error={error} />
      {value !== undefined && <Address address={value.address} />}
      {value?.webhooks.length === 0 && (
        <Empty>
          <h2>{payment === '' ? texts('empty') : common('nothingFits')}</h2>
          <a class="button primary" href={hrefTo(['new'])}>
            {texts('make')}
          </a>
        </Empty>
      )}
      {value?.webhooks.map((webhook) => (
        <Received key={webhook.number.toString()} webhook={webhook} />
      ))}
    </>
  );
}

function Address({ address }: { readonly address: string }) {
  return (
    <section class="card">
      <p class="row">
        <code>{address}</code> <CopyButton text={address} />
      </p>
      <p>{texts('how')}</p>
      <p class="soft">{texts('retries')}</p>
    </section>
  );
}

function Received({ webhook }: { readonly webhook: ReceivedWebhook }) {
  const {
    receivedAt,
    verified,
    problem,
    paymentIntentId: id,
    eventId,
    path,
    statusCode,
    headers,
    body,
  } = webhook;
  const head = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
  return (
    <article class="card">
      <div class="row">
        <Time at={receivedAt} />
        <Badge tone={verified ? 'good' : 'bad'}>{verified ? texts('verified') : texts('wrong')}</Badge>
        <span class="soft">{texts('answered', { code: statusCode })}</span>
        {id !== '' && (
          <a data-row class="mono" href={hrefTo(['payments', id])}>
            {id}
          </a>
        )}
        <span class="mono">{eventId}</span>
        <span class="soft mono">{path}</span>
      </div>
      {problem !== '' && <p>{problem}</p>}
      <details>
        <summary>
          {texts('headers')}, {texts('body')}
        </summary>
        <Code label={texts('headers')} text={head} />
        <Code label={texts('body')} text={prettyJson(body)} />
      </details>
      <details>
        <summary>{texts('signature')}</summary>
        <SignatureCheck headers={headers} body={body} at={receivedAt} />
      </details>
    </article>
  );
}

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ReceivedWebhook } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, Code, Facts, prettyJson, Time } from '../../components/basics.tsx';
import { PaymentBadge } from '../../components/statuses.tsx';
import { SignatureCheck } from '../../components/signature-check.tsx';
import { hrefTo, replaceQuery } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { texts } from './inbox-texts.ts';
import { toldBy } from './told.ts';

/** One webhook, byte for byte, and whether it is genuine. */
export function InboxDetail({ webhook }: { readonly webhook: ReceivedWebhook }) {
  const { number, receivedAt, headers, body, verified } = webhook;
  const title = useRef<HTMLHeadingElement>(null);
  // Whoever has opened it reads on here.
  useEffect(() => title.current?.focus(), [number]);
  return (
    <section class="card inbox-detail">
      <div class="page-head">
        <h2 ref={title} tabIndex={-1}>
          {texts('webhook', { number: number.toString() })}
        </h2>
        <Button kind="quiet" onClick={() => replaceQuery({ webhook: undefined })}>
          {common('close')}
        </Button>
      </div>
      <p class={verified ? 'box good' : 'box bad'}>
        {verified ? texts('verifiedLong') : `${texts('problem')}: ${webhook.problem}`}
      </p>
      <WebhookFacts webhook={webhook} />
      <Body body={body} />
      <h3>{texts('headers')}</h3>
      <Code label={texts('headers')} text={headText(headers)} />
      <h3>{texts('signature')}</h3>
      <SignatureCheck headers={headers} body={body} at={receivedAt} />
    </section>
  );
}

function WebhookFacts({ webhook }: { readonly webhook: ReceivedWebhook }) {
  const { receivedAt, path, eventId, paymentIntentId: id, sessionId, statusCode, body } = webhook;
  const { status, eventType, sequence } = toldBy(body);
  return (
    <Facts
      facts={[
        [texts('received'), <Time at={receivedAt} />],
        [common('payment'), id === '' ? '' : <a href={hrefTo(['payments', id])}>{id}</a>],
        [common('status'), status === undefined ? '' : <PaymentBadge status={status} />],
        [texts('event'), [eventType, eventId].filter(Boolean).join(' · ')],
        [texts('sequence'), sequence],
        [texts('path'), `POST ${path} → ${statusCode}`],
        [common('session'), sessionId === '' ? common('globalSession') : sessionId],
      ]}
    />
  );
}

/** What is signed is the body as it came, so it can be seen so too. */
function Body({ body }: { readonly body: string }) {
  const [isPretty, setPretty] = useState(true);
  const text = isPretty ? prettyJson(body) : body;
  return (
    <>
      <div class="row spread">
        <h3>{texts('body')}</h3>
        <Button kind="quiet" onClick={() => setPretty(!isPretty)}>
          {texts(isPretty ? 'asIs' : 'pretty')}
        </Button>
      </div>
      <Code label={texts('body')} text={text === '' ? texts('noBody') : text} />
    </>
  );
}

function headText(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

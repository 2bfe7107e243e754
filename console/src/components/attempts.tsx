import { SimulatedChannel } from '../../../gen/payment/v1/payment_pb.js';
import type { Delivery, DeliveryAttempt } from '../../../gen/simulator/v1/simulator_pb.js';
import { formatDuration } from '../core/format.ts';
import { defineTexts } from '../core/language.ts';
import { Badge, Code, prettyJson, Time } from './basics.tsx';
import { SignatureCheck } from './signature-check.tsx';

const texts = defineTexts({
  answer: ['Answer', '응답'],
  attempt: ['{channel}, attempt {number}', '{channel} {number}번째 시도'],
  body: ['Body', '본문'],
  fault: ['on purpose: {fault}', '일부러: {fault}'],
  headers: ['Headers', '헤더'],
  noAnswer: ['no answer', '응답 없음'],
  none: ['No attempt yet.', '아직 시도하지 않았습니다.'],
  signature: ['Check the signature', '서명 검증'],
  taken: ['taken', '수락됨'],
  until: ['in {time}', '{time} 걸림'],
});

/** Every attempt at an event by one channel, the first at the top. */
export function Attempts({ delivery }: { readonly delivery: Delivery }) {
  if (delivery.attempts.length === 0) {
    return <p class="soft">{texts('none')}</p>;
  }
  return (
    <ol class="timeline">
      {delivery.attempts.map((attempt) => (
        <li key={attempt.number} class={attempt.error === '' ? 'good' : 'bad'}>
          <div class="when">
            <Time at={attempt.startedAt} />
          </div>
          <Attempt delivery={delivery} attempt={attempt} />
        </li>
      ))}
    </ol>
  );
}

/** What was sent, and what came back. */
export function Attempt({
  delivery: { channel, url },
  attempt,
}: {
  readonly delivery: Delivery;
  readonly attempt: DeliveryAttempt;
}) {
  const { number, duration, error, fault } = attempt;
  return (
    <div>
      <div class="row">
        <strong>{texts('attempt', { channel: SimulatedChannel[channel] ?? '', number })}</strong>
        <Badge tone={error === '' ? 'good' : 'bad'}>{answerOf(channel, attempt)}</Badge>
        <span class="soft">{texts('until', { time: formatDuration(duration) })}</span>
        {fault !== '' && <Badge tone="info">{texts('fault', { fault })}</Badge>}
        {url !== '' && <span class="mono">{url}</span>}
      </div>
      {error !== '' && <p>{error}</p>}
      <Sent attempt={attempt} />
      {channel === SimulatedChannel.WEBHOOK && (
        <details>
          <summary>{texts('signature')}</summary>
          <SignatureCheck headers={attempt.headers} body={attempt.body} at={attempt.startedAt} />
        </details>
      )}
    </div>
  );
}

function Sent({ attempt: { headers, body, answer } }: { readonly attempt: DeliveryAttempt }) {
  const head = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
  return (
    <details>
      <summary>
        {texts('headers')}, {texts('body')}, {texts('answer')}
      </summary>
      <p class="soft">{texts('headers')}</p>
      <Code label={texts('headers')} text={head} />
      <p class="soft">{texts('body')}</p>
      <Code label={texts('body')} text={prettyJson(body)} />
      {answer !== '' && (
        <>
          <p class="soft">{texts('answer')}</p>
          <Code label={texts('answer')} text={answer} />
        </>
      )}
    </details>
  );
}

function answerOf(channel: SimulatedChannel, { statusCode, error }: DeliveryAttempt): string {
  if (statusCode !== 0) {
    return String(statusCode);
  }
  return channel === SimulatedChannel.WEBHOOK || error !== '' ? texts('noAnswer') : texts('taken');
}

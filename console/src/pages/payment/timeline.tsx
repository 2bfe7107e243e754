import { Code } from '../../../../gen/google/rpc/code_pb.js';
import { PaymentStatus, SimulatedChannel } from '../../../../gen/payment/v1/payment_pb.js';
import {
  type CallEntry,
  type Delivery,
  DeliveryStatus,
  type JournalEntry,
  type TransitionEntry,
} from '../../../../gen/simulator/v1/simulator_pb.js';
import type { ComponentChildren } from 'preact';
import { Attempt } from '../../components/attempts.tsx';
import { Badge, Code as CodeBlock, prettyJson, Time, type Tone } from '../../components/basics.tsx';
import { DeliveryBadge, PaymentBadge } from '../../components/statuses.tsx';
import { formatDuration, formatTime } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';
import { type Moment, momentsOf } from './story.ts';

const texts = defineTexts({
  answer: ['Answer', '응답'],
  due: ['settles at {time}', '{time}에 확정 예정'],
  event: ['told by the event', '알리는 이벤트'],
  fault: ['on purpose: {fault}', '일부러: {fault}'],
  held: ['held: it does not settle by itself', '보류: 저절로 확정되지 않습니다'],
  nothing: ['Nothing is remembered of it any more.', '남아 있는 기록이 없습니다.'],
  refund: ['refund', '환불'],
  request: ['Request', '요청'],
  rules: ['decided by', '적용된 규칙'],
  tryAgain: ['tried again at {time}', '{time}에 다시 시도'],
  until: ['in {time}', '{time} 걸림'],
});

/** What happened to the payment, the first at the top. */
export function Timeline({ entries }: { readonly entries: readonly JournalEntry[] }) {
  const moments = momentsOf(entries);
  if (moments.length === 0) {
    return <p class="soft">{texts('nothing')}</p>;
  }
  return (
    <ol class="timeline">
      {moments.map((moment) => (
        <li key={moment.key} class={toneOf(moment)}>
          <div class="when">
            <Time at={moment.at} />
          </div>
          <Told moment={moment} />
        </li>
      ))}
    </ol>
  );
}

function Told({ moment }: { readonly moment: Moment }): ComponentChildren {
  switch (moment.kind) {
    case 'call':
      return <Call call={moment.call} />;
    case 'transition':
      return <Transition transition={moment.transition} />;
    case 'attempt':
      return <Attempt delivery={moment.delivery} attempt={moment.attempt} />;
    case 'delivery':
      return <Decision delivery={moment.delivery} />;
  }
}

function toneOf(moment: Moment): Tone {
  switch (moment.kind) {
    case 'call':
      return moment.call.code === Code.OK ? 'info' : 'bad';
    case 'transition':
      return moment.transition.payment?.status === PaymentStatus.FAILED ? 'bad' : 'good';
    case 'attempt':
      return moment.attempt.error === '' ? 'good' : 'bad';
    case 'delivery':
      return moment.delivery.status === DeliveryStatus.GIVEN_UP ? 'bad' : 'wait';
  }
}

function Call({ call }: { readonly call: CallEntry }) {
  return (
    <div>
      <div class="row">
        <strong>{call.method}</strong>
        <Badge tone={call.code === Code.OK ? 'good' : 'bad'}>{Code[call.code] ?? call.code}</Badge>
        <span class="soft">{texts('until', { time: formatDuration(call.duration) })}</span>
        {call.fault !== '' && <Badge tone="info">{texts('fault', { fault: call.fault })}</Badge>}
        {call.ruleIds.length > 0 && (
          <span>
            {texts('rules')}{' '}
            {call.ruleIds.map((rule) => (
              <a key={rule} href={hrefTo(['rules'], { rule })}>
                {rule}
              </a>
            ))}
          </span>
        )}
      </div>
      {call.message !== '' && <p>{call.message}</p>}
      <details>
        <summary>
          {texts('request')}, {texts('answer')}
        </summary>
        {call.request !== '' && <CodeBlock label={texts('request')} text={prettyJson(call.request)} />}
        {call.answer !== '' && <CodeBlock label={texts('answer')} text={prettyJson(call.answer)} />}
      </details>
    </div>
  );
}

function Transition({ transition }: { readonly transition: TransitionEntry }) {
  const { payment, dueAt, eventId, refundId, reason } = transition;
  const isPending = payment?.status === PaymentStatus.PENDING;
  return (
    <div class="row">
      <PaymentBadge status={payment?.status ?? PaymentStatus.UNSPECIFIED} />
      {payment !== undefined && payment.failureCode !== '' && <code>{payment.failureCode}</code>}
      {isPending && (
        <span>{dueAt === undefined ? texts('held') : texts('due', { time: formatTime(dueAt) })}</span>
      )}
      {refundId !== '' && (
        <span>
          {texts('refund')} <code>{refundId}</code>
        </span>
      )}
      {reason !== '' && <span>“{reason}”</span>}
      {eventId !== '' && (
        <span class="soft">
          {texts('event')} <a href={hrefTo(['deliveries'], { event: eventId })}>{eventId}</a>
        </span>
      )}
    </div>
  );
}

/** What becomes of an event between and after its attempts. */
function Decision({ delivery }: { readonly delivery: Delivery }) {
  const { channel, status, nextAttemptAt, faults, error } = delivery;
  return (
    <div class="row">
      <strong>{SimulatedChannel[channel]}</strong>
      <DeliveryBadge status={status} />
      {nextAttemptAt !== undefined && <span>{texts('tryAgain', { time: formatTime(nextAttemptAt) })}</span>}
      {faults.length > 0 && <Badge tone="info">{texts('fault', { fault: faults.join(', ') })}</Badge>}
      {status === DeliveryStatus.GIVEN_UP && error !== '' && <span>{error}</span>}
      <a class="soft" href={hrefTo(['deliveries'], { event: delivery.eventId })}>
        {delivery.eventId}
      </a>
    </div>
  );
}

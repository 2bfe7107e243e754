import { timestampDate, timestampMs } from '@bufbuild/protobuf/wkt';
import { useEffect, useState } from 'preact/hooks';
import { SimulatedChannel } from '../../../../gen/payment/v1/payment_pb.js';
import { Time } from '../../components/basics.tsx';
import { canSteer, inSession, simulator } from '../../core/api.ts';
import { formatMs } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { useLoaded } from '../../core/loading.ts';
import { hrefTo } from '../../core/router.ts';
import type { Next } from './story.ts';

const texts = defineTexts({
  attempt: ['{channel}: next attempt', '{channel}: 다음 시도'],
  inTime: ['in {time}', '{time} 후'],
  now: ['now', '지금'],
  settles: ['Settles', '확정 예정'],
  standsStill: ['The time of its session stands still:', '이 세션의 시간은 멈춰 있습니다.'],
  move: ['move its clock', '시계 움직이기'],
  title: ['What comes next', '다음에 일어날 일'],
});

const tickMs = 1_000;

/** What happens by itself, and when. */
export function WhatComesNext({
  sessionId,
  next,
}: {
  readonly sessionId: string;
  readonly next: readonly Next[];
}) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, []);
  const { value } = useLoaded(
    async () => (canSteer.value === true ? await simulator.getSession({}, inSession(sessionId)) : undefined),
    [sessionId, canSteer.value, next.length],
  );
  const clock = value?.session?.manualClock === true ? value.session.now : undefined;
  if (next.length === 0) {
    return null;
  }
  const nowMs = clock === undefined ? now : timestampDate(clock).getTime();
  return (
    <section class="card">
      <h2>{texts('title')}</h2>
      <ul>
        {next.map(({ kind, at, delivery }) => (
          <li key={kind + (delivery?.eventId ?? '') + (delivery?.channel ?? '')}>
            {kind === 'settles'
              ? texts('settles')
              : texts('attempt', { channel: SimulatedChannel[delivery?.channel ?? 0] ?? '' })}{' '}
            <strong>{untilText(timestampMs(at) - nowMs)}</strong>{' '}
            <span class="soft">
              <Time at={at} />
            </span>
          </li>
        ))}
      </ul>
      {clock !== undefined && (
        <p>
          {texts('standsStill')} <a href={hrefTo(['sessions'], { session: sessionId })}>{texts('move')}</a>
        </p>
      )}
    </section>
  );
}

function untilText(ms: number): string {
  return ms <= 0
    ? texts('now')
    : texts('inTime', { time: formatMs(Math.max(1_000, Math.round(ms / 1_000) * 1_000)) });
}

import { clone, create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { useState } from 'preact/hooks';
import {
  type AdvanceClockRequestSchema,
  type AdvanceClockResponse,
  type ListedSession,
  SessionSchema,
} from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox, Time } from '../../components/basics.tsx';
import { inSession, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { type Action, useAction } from '../../core/loading.ts';
import { AnySpan } from './any-span.tsx';
import { Moved } from './moved.tsx';

const texts = defineTexts({
  clock: ['Its clock', '이 세션의 시계'],
  idle: ['run until idle', '남은 일이 없을 때까지'],
  late: [
    'Time is that of all, and {count} PENDING payments wait for it already. Reset the session to stop its clock, or stop that of a new one before its first payment.',
    '시간이 다른 세션과 같이 흐르고, PENDING 결제 {count}건이 이미 그 시간을 따릅니다. 시계를 멈추려면 이 세션을 초기화하거나, 새 세션의 시계를 첫 결제 전에 멈추십시오.',
  ],
  next: ['next', '다음 일까지'],
  stop: ['Stop its clock', '시계 멈추기'],
  stopHow: [
    'Time is that of all. Stopped before its first payment, it moves only when you say so.',
    '시간이 다른 세션과 같이 흐릅니다. 첫 결제 전에 멈추면 지시할 때만 흐릅니다.',
  ],
});

type How = NonNullable<MessageInitShape<typeof AdvanceClockRequestSchema>['how']>;

const steps: readonly (readonly [text: string, ms: number])[] = [
  ['+1 s', 1_000],
  ['+1 min', 60_000],
  ['+1 h', 3_600_000],
  ['+1 d', 86_400_000],
];

interface ClockProps {
  readonly listed: ListedSession;
  readonly onChanged: () => void;
}

/** The clock of a session: moved if it stands still, and stopped if it does not. */
export function Clock(props: ClockProps) {
  const action = useAction();
  const isManual = props.listed.session?.manualClock === true;
  return (
    <>
      <h3 class="spaced">{texts('clock')}</h3>
      {isManual ? <Standing action={action} {...props} /> : <Running action={action} {...props} />}
      <ErrorBox error={action.error} />
    </>
  );
}

/** It stands still until somebody moves it. */
function Standing({ listed: { session }, action, onChanged }: ClockProps & { readonly action: Action }) {
  const [moved, setMoved] = useState<AdvanceClockResponse | undefined>(undefined);
  const advance = (how: How) =>
    action.run(async () => {
      setMoved(await simulator.advanceClock({ how }, inSession(session?.sessionId ?? '')));
      onChanged();
    });
  const by = (ms: number) => advance({ case: 'by', value: durationFromMs(ms) });
  return (
    <>
      <p class="row">
        <Time at={session?.now} />
        {steps.map(([text, ms]) => (
          <Button key={text} disabled={action.isBusy} onClick={() => by(ms)}>
            {text}
          </Button>
        ))}
        <Button disabled={action.isBusy} onClick={() => advance({ case: 'toNext', value: true })}>
          {texts('next')}
        </Button>
        <Button disabled={action.isBusy} onClick={() => advance({ case: 'untilIdle', value: true })}>
          {texts('idle')}
        </Button>
      </p>
      <AnySpan isBusy={action.isBusy} onMove={by} />
      <div aria-live="polite">{moved !== undefined && <Moved answer={moved} />}</div>
    </>
  );
}

/** It has the time of all. */
function Running({ listed, action, onChanged }: ClockProps & { readonly action: Action }) {
  const { session, counters } = listed;
  const pending = counters?.paymentsByStatus['PENDING'] ?? 0;
  const stop = () =>
    action.run(async () => {
      const stopped = session === undefined ? create(SessionSchema) : clone(SessionSchema, session);
      stopped.manualClock = true;
      // Told by the service alone.
      delete stopped.now;
      await simulator.updateSession({ session: stopped }, inSession(stopped.sessionId));
      onChanged();
    });
  return (
    <p class="row">
      <span class="soft">
        {pending > 0 ? texts('late', { count: formatCount(pending) }) : texts('stopHow')}
      </span>
      <Button disabled={action.isBusy || pending > 0} onClick={stop}>
        {texts('stop')}
      </Button>
    </p>
  );
}

import { clone, create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { useState } from 'preact/hooks';
import { PaymentStatus, SimulatedChannel } from '../../../../gen/payment/v1/payment_pb.js';
import {
  type AdvanceClockRequestSchema,
  type AdvanceClockResponse,
  DeliveryStatus,
  type ListedSession,
  SessionSchema,
} from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox, Time } from '../../components/basics.tsx';
import { inSession, simulator } from '../../core/api.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { hrefTo } from '../../core/router.ts';

const texts = defineTexts({
  clock: ['Its clock', '이 세션의 시계'],
  deliveries: ['{count} deliveries', '전달 {count}건'],
  idle: ['run until idle', '남은 일이 없을 때까지'],
  next: ['next', '다음 일까지'],
  stop: ['Stop its clock', '시계 멈추기'],
  stopHow: [
    'Time is that of all. Stopped before its first payment, it moves only when you say so.',
    '시간이 다른 세션과 같이 흐릅니다. 첫 결제 전에 멈추면 지시할 때만 흐릅니다.',
  ],
  transitions: ['{count} changes of payments', '결제 변화 {count}건'],
});

type How = NonNullable<MessageInitShape<typeof AdvanceClockRequestSchema>['how']>;

const steps: readonly (readonly [text: string, ms: number])[] = [
  ['+1 s', 1_000],
  ['+1 min', 60_000],
  ['+1 h', 3_600_000],
  ['+1 d', 86_400_000],
];

/** The clock of a session: moved if it stands still, and stopped if it does not. */
export function Clock({
  listed,
  onChanged,
}: {
  readonly listed: ListedSession;
  readonly onChanged: () => void;
}) {
  const { session } = listed;
  const id = session?.sessionId ?? '';
  const action = useAction();
  const [moved, setMoved] = useState<AdvanceClockResponse | undefined>(undefined);
  const advance = (how: How) =>
    action.run(async () => {
      setMoved(await simulator.advanceClock({ how }, inSession(id)));
      onChanged();
    });
  const stop = () =>
    action.run(async () => {
      const stopped = session === undefined ? create(SessionSchema) : clone(SessionSchema, session);
      stopped.manualClock = true;
      // Told by the service alone.
      delete stopped.now;
      await simulator.updateSession({ session: stopped }, inSession(id));
      onChanged();
    });
  return (
    <>
      <h3>{texts('clock')}</h3>
      {session?.manualClock === true ? (
        <p class="row">
          <Time at={moved?.now ?? session.now} />
          {steps.map(([text, ms]) => (
            <Button
              key={text}
              disabled={action.isBusy}
              onClick={() => advance({ case: 'by', value: durationFromMs(ms) })}
            >
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
      ) : (
        <p class="row">
          <span class="soft">{texts('stopHow')}</span>
          <Button disabled={action.isBusy} onClick={stop}>
            {texts('stop')}
          </Button>
        </p>
      )}
      <ErrorBox error={action.error} />
      <div aria-live="polite">{moved !== undefined && <Moved answer={moved} />}</div>
    </>
  );
}

/** What happened meanwhile; the first of it. */
function Moved({ answer }: { readonly answer: AdvanceClockResponse }) {
  const shown = [...answer.transitions, ...answer.deliveries].slice(0, 20);
  return (
    <>
      <p class="soft">
        {texts('transitions', { count: answer.transitionsTotal })},{' '}
        {texts('deliveries', { count: answer.deliveriesTotal })}
      </p>
      <ul>
        {shown.map(({ cursor, paymentIntentId, what }) => (
          <li key={cursor}>
            <a class="mono" href={hrefTo(['payments', paymentIntentId])}>
              {paymentIntentId}
            </a>{' '}
            {what.case === 'transition' && PaymentStatus[what.value.payment?.status ?? 0]}
            {what.case === 'delivery' &&
              `${SimulatedChannel[what.value.channel]} ${DeliveryStatus[what.value.status]}`}
          </li>
        ))}
      </ul>
    </>
  );
}

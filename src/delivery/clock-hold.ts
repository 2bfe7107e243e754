import { clockOf, type MachineClock, type SimClock } from '../base/clock.ts';
import type { PaymentEvent } from '../payment/event.ts';
import type { OnEnd } from './custody.ts';

/* Who moves the clock of a session waits for what has fallen due to be done with. Nearly no session has such a clock. */

/** Keeps the clock of the event's session where it is until it is known what becomes of the delivery. */
export function holdUntilEnded(clock: SimClock, { sessionId }: PaymentEvent, onEnd: OnEnd): OnEnd {
  const release = clockOf(clock, sessionId).hold?.();
  return release === undefined
    ? onEnd
    : (ended) => {
        ended.then(release, release);
        onEnd(ended);
      };
}

/** In milliseconds of the machine's time. By then a first attempt has ended, or there is none for now. */
const maxHoldMs = 5_000;

/** The same where an attempt may be long in coming, which nobody is to wait for. */
export function holdForAWhile(
  clock: SimClock,
  machine: MachineClock,
  { sessionId }: PaymentEvent,
  onEnd: OnEnd,
): OnEnd {
  const release = clockOf(clock, sessionId).hold?.();
  if (release === undefined) {
    return onEnd;
  }
  const timer = machine.setTimer(maxHoldMs, release);
  return (ended) => {
    timer.cancel();
    release();
    onEnd(ended);
  };
}

import type { SimClock } from '../base/clock.ts';
import { nextLoop } from '../base/next-loop.ts';
import { createSteppedClock, type SteppedClock } from './manual-clock.ts';
import { globalSession } from './session.ts';

/** The simulation's clock, and those of sessions that have one of their own. */
export interface SessionClocks extends SimClock {
  of(sessionId: string | undefined): SimClock;
  /** Whether a session has a clock that a tester moves. */
  has(sessionId: string): boolean;
  /** Gives a session a clock that stands still at this moment; one that has one keeps it. */
  begin(sessionId: string): void;
  /** A session goes by the simulation's clock again, if it did not: what is overdue by that happens at once. */
  end(sessionId: string): void;
  /**
   * Moves the clock of a session on, and lets everything happen that falls due, in its order and at its time, first
   * attempts at deliveries included. One after the other for each session.
   *
   * @returns the time then, in milliseconds since the epoch; undefined when it has no clock of its own.
   */
  advance(sessionId: string, target: AdvanceTarget, signal: AbortSignal): Promise<number | undefined>;
}

/** How far to move a clock. */
export type AdvanceTarget =
  | { readonly kind: 'by'; readonly ms: number }
  /** In milliseconds since the epoch; not before now. */
  | { readonly kind: 'to'; readonly ms: number }
  /** To when something is due next, and it happens. Nowhere when nothing is within a week. */
  | { readonly kind: 'next' }
  /** Until nothing is due within a week. */
  | { readonly kind: 'idle' };

/** A clock that a tester moves, and who keeps it where it is. */
interface SessionClock {
  readonly clock: SteppedClock;
  readonly shown: SimClock;
  holds: number;
  onFree: (() => void) | undefined;
  /** The last move; the next one waits for it. */
  moved: Promise<unknown>;
}

interface State {
  readonly base: SimClock;
  readonly clocks: Map<string, SessionClock>;
}

/** Nothing but a payment that is held takes longer than a day: what is due later than this is not gone to; in milliseconds. */
const horizonMs = 7 * 86_400_000;

/** @param base the simulation's clock. */
export function createSessionClocks(base: SimClock): SessionClocks {
  const self: State = { base, clocks: new Map() };
  const { clocks } = self;
  const own: SessionClocks = {
    now: () => base.now(),
    setTimer: (delayMs, fire) => base.setTimer(delayMs, fire),
    of: (sessionId = globalSession) => (clocks.size === 0 ? own : (clocks.get(sessionId)?.shown ?? own)),
    has: (sessionId) => clocks.has(sessionId),
    begin(sessionId) {
      if (!clocks.has(sessionId)) {
        clocks.set(sessionId, createSessionClock(base.now()));
      }
    },
    end(sessionId) {
      clocks.get(sessionId)?.clock.follow(base);
      clocks.delete(sessionId);
    },
    async advance(sessionId, target, signal) {
      const session = clocks.get(sessionId);
      if (session === undefined) {
        return undefined;
      }
      const moved = session.moved.then(() => move(session, target, signal));
      session.moved = moved.catch(() => undefined);
      await moved;
      return session.clock.now();
    },
  };
  return own;
}

function createSessionClock(startMs: number): SessionClock {
  const clock = createSteppedClock(startMs);
  const self: SessionClock = {
    clock,
    shown: {
      now: () => clock.now(),
      setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
      hold: () => hold(self),
    },
    holds: 0,
    onFree: undefined,
    moved: Promise.resolve(),
  };
  return self;
}

function hold(self: SessionClock): () => void {
  let isHeld = true;
  self.holds += 1;
  return () => {
    if (isHeld) {
      isHeld = false;
      self.holds -= 1;
      if (self.holds === 0) {
        self.onFree?.();
      }
    }
  };
}

async function move(self: SessionClock, target: AdvanceTarget, signal: AbortSignal): Promise<void> {
  const stop = () => self.onFree?.();
  signal.addEventListener('abort', stop);
  try {
    await moveTo(self, target, signal);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function moveTo(self: SessionClock, target: AdvanceTarget, signal: AbortSignal): Promise<void> {
  const { clock } = self;
  await rest(self, signal);
  const untilMs = untilOf(clock, target);
  for (let dueMs = clock.nextDueMs(); dueMs !== undefined && !signal.aborted; dueMs = clock.nextDueMs()) {
    if (dueMs > untilMs || (target.kind === 'idle' && dueMs > clock.now() + horizonMs)) {
      break;
    }
    clock.step();
    await rest(self, signal);
  }
  if (target.kind !== 'idle' && !signal.aborted) {
    clock.moveTo(untilMs);
  }
}

function untilOf(clock: SteppedClock, target: AdvanceTarget): number {
  switch (target.kind) {
    case 'by':
      return clock.now() + target.ms;
    case 'to':
      return target.ms;
    case 'next': {
      const nextMs = clock.nextDueMs() ?? Infinity;
      return nextMs <= clock.now() + horizonMs ? nextMs : clock.now();
    }
    case 'idle':
      return Infinity;
  }
}

/** Until nobody is at work any more, and promises have settled, which may set timers. */
async function rest(self: SessionClock, signal: AbortSignal): Promise<void> {
  await nextLoop();
  while (self.holds > 0 && !signal.aborted) {
    await new Promise<void>((resolve) => (self.onFree = resolve));
    self.onFree = undefined;
    await nextLoop();
  }
}

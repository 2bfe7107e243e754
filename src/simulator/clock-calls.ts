import type { Payments } from '../payment/ports.ts';
import { SteeringError } from './errors.ts';
import type { AdvanceTarget, SessionClocks } from './session-clocks.ts';
import type { SteeringState } from './steering-state.ts';

/* What testers ask of the clocks of sessions. */

interface ClockDeps {
  /** Undefined where sessions cannot have any. */
  readonly clocks: SessionClocks | undefined;
}

/** Whether the session may have a clock of its own from now on. */
export async function checkClock(
  { clocks, payments }: ClockDeps & { readonly payments: Pick<Payments, 'list'> },
  sessionId: string,
): Promise<void> {
  if (clocks === undefined) {
    throw new SteeringError({ kind: 'clock-needs-memory' });
  }
  if (!clocks.has(sessionId)) {
    const filter = { sessionId, status: 'PENDING' } as const;
    const { totalCount: pending } = await payments.list({ filter, from: undefined, skip: 0, limit: 0 });
    if (pending > 0) {
      throw new SteeringError({ kind: 'clock-comes-late', pending });
    }
  }
}

/** Moves the clock of a session; see `SessionClocks`. */
export async function advanceClock(
  { clocks }: ClockDeps,
  sessionId: string,
  target: AdvanceTarget,
  signal: AbortSignal,
): Promise<number> {
  const nowMs = await clocks?.advance(sessionId, target, signal);
  if (nowMs === undefined) {
    throw new SteeringError({ kind: 'no-clock' });
  }
  return nowMs;
}

/** A session has a clock of its own for as long as its settings say so. */
export function followClock({ clocks }: ClockDeps, state: SteeringState, sessionId: string): void {
  if (state.sessions.get(sessionId)?.settings?.manualClock === true) {
    clocks?.begin(sessionId);
  } else {
    clocks?.end(sessionId);
  }
}

import type { MachineClock, Timer } from '../base/clock.ts';
import type { Observer } from '../base/observer.ts';
import type { SteeringReport } from './observer.ts';
import type { SteeringStore } from './ports.ts';
import { globalSession } from './session.ts';
import { keysOf, ownKey, type SessionState, type SteeringState } from './steering-state.ts';

interface IdleSessionsDeps {
  readonly state: SteeringState;
  readonly store: SteeringStore;
  readonly machine: MachineClock;
  readonly idleMs: number;
  readonly observe: Observer<SteeringReport>;
}

/** How often it is looked, in milliseconds; sessions may end in a second. */
const sweepEveryMs = 1_000;

/** Ends sessions that nobody uses: their rules and settings go, their payments stay. */
export function endIdleSessions(deps: IdleSessionsDeps): Timer {
  let isCancelled = false;
  let timer = deps.machine.setTimer(sweepEveryMs, sweepAndGoOn);
  function sweepAndGoOn(): void {
    void sweep(deps)
      .catch((error: unknown) => deps.observe({ kind: 'sweep-failed', error }))
      .finally(() => {
        if (!isCancelled) {
          timer = deps.machine.setTimer(sweepEveryMs, sweepAndGoOn);
        }
      });
  }
  return {
    cancel() {
      isCancelled = true;
      timer.cancel();
    },
  };
}

async function sweep(deps: IdleSessionsDeps): Promise<void> {
  const { state, store, machine, idleMs } = deps;
  // Others may have ended them, or reset them anew.
  await store.refresh();
  const nowMs = machine.now();
  const isIdle = ({ id, lastUsedMs, settings }: SessionState, usedMs = lastUsedMs) =>
    id !== globalSession && usedMs + (settings?.idleTtlMs ?? idleMs) <= nowMs;
  for (const session of [...state.sessions.values()].filter((each) => isIdle(each))) {
    const usedMs = (await store.lastUse(session.id)) ?? session.lastUsedMs;
    session.lastUsedMs = Math.max(session.lastUsedMs, usedMs);
    if (isIdle(session)) {
      await end(deps, session);
    }
  }
  const over = [...state.resets].filter(([, { untilMs }]) => untilMs <= nowMs);
  if (over.length > 0) {
    await store.remove(over.map(([sessionId]) => ownKey('reset', sessionId)));
  }
}

async function end({ store, observe }: IdleSessionsDeps, session: SessionState): Promise<void> {
  const { id: sessionId, rules } = session;
  const count = rules.size;
  await store.remove(keysOf(session));
  await store.forgetCounts(sessionId);
  observe({ kind: 'session-ended', sessionId, rules: count });
}

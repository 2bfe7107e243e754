import type { MachineClock, Timer } from '../../base/clock.ts';
import type { RandomSource } from '../../base/random.ts';
import { decideRetry } from '../retry-policy.ts';

/** Times in milliseconds. */
interface CallGateOptions {
  readonly machine: MachineClock;
  readonly random: RandomSource;
  readonly maxInFlight: number;
  /** The pause after the first failed call; doubles with every further one. */
  readonly basePauseMs: number;
  readonly maxPauseMs: number;
  /** Called when calls that were held back may start. */
  readonly onOpen: () => void;
  /** Called when calls work again. */
  readonly onRecovery: () => void;
}

/** Says how many calls may be under way. */
export interface CallGate {
  mayStart(): boolean;
  started(): void;
  ended(outcome: 'worked' | 'failed'): void;
  /** Whether the last call failed. */
  isFailing(): boolean;
  /** Whether any call has. */
  hasWorked(): boolean;
  /** Ends a pause before its time. */
  endPause(): void;
}

/**
 * All of `maxInFlight` while calls work. After a failed one none for a pause, then one at a time,
 * until one works: an outage costs one call per pause instead of one per ten events, so it takes no
 * time from the other channel and wastes none of the events' attempts.
 */
export function createCallGate(options: CallGateOptions): CallGate {
  const { machine, random, maxInFlight, onOpen, onRecovery } = options;
  const pauses = { maxAttempts: Infinity, baseMs: options.basePauseMs, maxMs: options.maxPauseMs };
  let inFlight = 0;
  let failedInARow = 0;
  let hasWorked = false;
  let pause: Timer | undefined;

  function endPause(): void {
    pause?.cancel();
    pause = undefined;
  }

  return {
    mayStart: () => pause === undefined && inFlight < (failedInARow === 0 ? maxInFlight : 1),

    started() {
      inFlight += 1;
    },

    ended(outcome) {
      inFlight -= 1;
      if (outcome === 'worked') {
        const isRecovery = failedInARow > 0;
        hasWorked = true;
        failedInARow = 0;
        endPause();
        if (isRecovery) {
          onRecovery();
        }
        return;
      }
      // Calls that started before the pause and fail in it say nothing new.
      if (pause !== undefined) {
        return;
      }
      failedInARow += 1;
      const decision = decideRetry(failedInARow, { reason: 'call', retryable: true }, pauses, random);
      pause = machine.setTimer(decision.action === 'retry' ? decision.delayMs : 0, () => {
        pause = undefined;
        onOpen();
      });
    },

    isFailing: () => failedInARow > 0,
    hasWorked: () => hasWorked,

    endPause,
  };
}

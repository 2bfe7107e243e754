import type { MachineClock } from '../../base/clock.ts';
import { gapEntry } from './entry.ts';
import type { JournalStore } from './ports.ts';

/** A journal that leaves out what nobody looks for while it comes too fast to be of use. */
export interface QuietStore extends JournalStore {
  /**
   * Whether something that went as usual is noted: asked before its entry is made. What belongs to a tester's session,
   * or went wrong, always is.
   *
   * @param sessionId undefined: the global session.
   */
  readonly wants: (sessionId: string | undefined) => boolean;
}

interface State {
  readonly store: JournalStore;
  readonly machine: Pick<MachineClock, 'now'>;
  followers: number;
  lookedAtMs: number;
  /** Of this second: when it began, how much was asked for, and how much of that was left out. */
  secondMs: number;
  asked: number;
  leftOut: number;
}

/** So long after somebody has looked all is noted, in milliseconds. */
const attentionMs = 60_000;
/**
 * Otherwise so much of a second: 3,000 entries take 10 ms or so to note, and a journal of 32 MiB then reaches back
 * for seven seconds.
 */
const perSecond = 3_000;

/** See `QuietStore`. */
export function createQuietStore(store: JournalStore, machine: Pick<MachineClock, 'now'>): QuietStore {
  const self: State = {
    store,
    machine,
    followers: 0,
    lookedAtMs: -Infinity,
    secondMs: -Infinity,
    asked: 0,
    leftOut: 0,
  };
  return {
    ...store,
    wants: (sessionId) => sessionId !== undefined || wants(self),
    refresh() {
      look(self);
      return store.refresh();
    },
    follow() {
      look(self);
      self.followers += 1;
      const unfollow = store.follow();
      return () => {
        self.followers -= 1;
        look(self);
        unfollow();
      };
    },
  };
}

function look(self: State): void {
  tellGap(self);
  self.lookedAtMs = self.machine.now();
}

function wants(self: State): boolean {
  if (self.followers > 0) {
    return true;
  }
  const nowMs = self.machine.now();
  if (nowMs - self.secondMs >= 1_000) {
    tellGap(self);
    self.secondMs = nowMs;
    self.asked = 0;
  }
  self.asked += 1;
  if (self.asked <= perSecond || nowMs - self.lookedAtMs < attentionMs) {
    return true;
  }
  self.leftOut += 1;
  return false;
}

function tellGap(self: State): void {
  const { store, machine, leftOut } = self;
  if (leftOut > 0) {
    self.leftOut = 0;
    store.append(gapEntry(leftOut, machine.now()));
  }
}

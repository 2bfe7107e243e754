import { clockOf, type SimClock } from '../../base/clock.ts';
import { createDueTimes, type DueTimes } from './due-times.ts';

/** As `DueTimes`, where each item goes by the clock of its session. */
export interface SessionDueTimes<T> {
  /** @param sessionId undefined: the global session. So in the next one. */
  add(item: T, dueAtMs: number, sessionId: string | undefined): void;
  /** Takes an item out; false when it is not there. `dueAtMs` as given to `add`. */
  remove(item: T, dueAtMs: number, sessionId: string | undefined): boolean;
  /** Takes out all that are due after `atMs`; of sessions with a clock of their own, all. */
  takeAfter(atMs: number): Iterable<T>;
  /** Takes out one of those that have been here the longest. */
  takeOldest(): T | undefined;
  size(): number;
}

interface State<T> {
  readonly clock: SimClock;
  readonly onDue: (item: T) => void;
  /** Of all sessions that have no clock of their own. */
  readonly shared: DueTimes<T>;
  /** The others, by their clocks; with nothing in them they go. */
  readonly others: Map<SimClock, DueTimes<T>>;
}

/** @param onDue see `createDueTimes`. */
export function createSessionDueTimes<T>(clock: SimClock, onDue: (item: T) => void): SessionDueTimes<T> {
  const self: State<T> = { clock, onDue, shared: createDueTimes(clock, onDue), others: new Map() };
  const { shared, others } = self;
  return {
    add: (item, dueAtMs, sessionId) => placeOf(self, sessionId).add(item, dueAtMs),
    remove: (item, dueAtMs, sessionId) => remove(self, item, dueAtMs, sessionId),
    takeAfter: (atMs) => takeAfter(self, atMs),
    takeOldest() {
      const place = [shared, ...others.values()].find((each) => each.size() > 0);
      return place?.takeOldest();
    },
    size: () => (others.size === 0 ? shared.size() : sizeOf(self)),
  };
}

function placeOf<T>(self: State<T>, sessionId: string | undefined): DueTimes<T> {
  const clock = clockOf(self.clock, sessionId);
  if (clock === self.clock) {
    return self.shared;
  }
  const known = self.others.get(clock);
  if (known !== undefined) {
    return known;
  }
  forgetEmpty(self);
  const own = createDueTimes(clock, self.onDue);
  self.others.set(clock, own);
  return own;
}

function sizeOf<T>({ shared, others }: State<T>): number {
  return [...others.values()].reduce((sum, each) => sum + each.size(), shared.size());
}

function forgetEmpty<T>({ others }: State<T>): void {
  for (const [clock, each] of others) {
    if (each.size() === 0) {
      others.delete(clock);
    }
  }
}

/** A session may have another clock than when the item came. */
function remove<T>(self: State<T>, item: T, dueAtMs: number, sessionId: string | undefined): boolean {
  if (self.others.size === 0) {
    return self.shared.remove(item, dueAtMs);
  }
  return (
    placeOf(self, sessionId).remove(item, dueAtMs) ||
    [self.shared, ...self.others.values()].some((each) => each.remove(item, dueAtMs))
  );
}

function* takeAfter<T>({ shared, others }: State<T>, atMs: number): Iterable<T> {
  yield* shared.takeAfter(atMs);
  for (const each of others.values()) {
    yield* each.takeAfter(-Infinity);
  }
}

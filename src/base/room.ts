/** Bounds how many are under way; who comes meanwhile waits, and has its turn in the order in which it came. */
export interface Room {
  /** Undefined when there is room at once. */
  enter(): Promise<void> | undefined;
  readonly leave: () => void;
}

/** @param size 1 or more. */
export function createRoom(size: number): Room {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return {
    enter() {
      if (inside >= size) {
        return new Promise((resolve) => waiting.push(resolve));
      }
      inside += 1;
      return undefined;
    },
    leave() {
      const next = waiting.shift();
      if (next === undefined) {
        inside -= 1;
      } else {
        next();
      }
    },
  };
}

import type { MessageInitShape } from '@bufbuild/protobuf';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { WatchFilterSchema } from '../../../gen/simulator/v1/simulator_pb.js';
import { canSteer } from './api.ts';
import { useWatch } from './watch.ts';

/** A list is asked for again so often at most, in milliseconds; that it has changed is told at once. */
const everyMs = 1_000;
/** The same where nobody tells of changes: without SIMULATOR_API. */
const pollMs = 2_000;
/** More would not be read one by one anyway. */
const maxPerSecond = 50;

/**
 * Asks again when something has happened that fits: at once, and then every second at most.
 *
 * @returns how much happens a second.
 */
export function useLiveReload(
  key: string,
  filter: MessageInitShape<typeof WatchFilterSchema>,
  reload: () => void,
): number {
  const [perSecond, setPerSecond] = useState(0);
  const seen = useRef({ count: 0, sinceMs: 0, isDirty: false });
  const latest = useRef(reload);
  latest.current = reload;
  useWatch(key, { filter, maxPerSecond }, ({ entries, leftOut, isOpening }) => {
    const self = seen.current;
    self.count += entries.length + leftOut;
    if (isOpening) {
      latest.current();
    } else if (performance.now() - self.sinceMs >= everyMs && !self.isDirty) {
      self.sinceMs = performance.now();
      latest.current();
    } else {
      self.isDirty = true;
    }
  });
  useEffect(() => {
    const timer = setInterval(() => {
      const self = seen.current;
      setPerSecond(self.count);
      self.count = 0;
      if (self.isDirty) {
        self.isDirty = false;
        self.sinceMs = performance.now();
        latest.current();
      }
    }, everyMs);
    return () => clearInterval(timer);
  }, []);
  const isTold = canSteer.value;
  useEffect(() => {
    if (isTold !== false) {
      return undefined;
    }
    const timer = setInterval(() => latest.current(), pollMs);
    return () => clearInterval(timer);
  }, [isTold]);
  return perSecond;
}

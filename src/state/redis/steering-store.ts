import { createIORedisClient } from 'bullmq';
import type { MachineClock } from '../../base/clock.ts';
import type { SteeringStore } from '../../simulator/ports.ts';
import type { RedisClient } from './redis-clients.ts';
import type { RedisLink } from './redis-link.ts';
import {
  asked,
  fire,
  forgetCounts,
  matched,
  noteUse,
  occurrence,
  type SteeringCountsDeps,
  unusedMs,
} from './steering-counts.ts';
import { createSteeringDocuments } from './steering-documents.ts';

interface RedisSteeringStoreDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly clock: MachineClock;
  /** See `SteeringDocuments`. */
  readonly maxChanges?: number;
  /** See `SteeringCountsDeps`. */
  readonly maxReservations?: number;
}

/** About 1 MB. */
const defaultMaxChanges = 10_000;
/** About 10 MB for each rule that counts by reservation. */
const defaultMaxReservations = 100_000;

/**
 * What testers set, in Redis, for all replicas. Each has all documents and asks for what has changed: one `GET`
 * for all calls of an iteration of the event loop, and nothing else as long as nothing changes.
 */
export function createRedisSteeringStore(deps: RedisSteeringStoreDeps): SteeringStore {
  const { client, link, clock } = deps;
  const commands = createIORedisClient(client);
  const counts: SteeringCountsDeps = {
    client,
    commands,
    link,
    maxReservations: deps.maxReservations ?? defaultMaxReservations,
  };
  return {
    ...createSteeringDocuments({
      client,
      commands,
      link,
      maxChanges: deps.maxChanges ?? defaultMaxChanges,
    }),
    fire: (use) => fire(counts, use),
    occurrence: (use) => occurrence(counts, use),
    asked: (use) => asked(counts, use),
    matched: (sessionId) => matched(counts, sessionId),
    forgetCounts: (sessionId, ruleId) => forgetCounts(counts, sessionId, ruleId),
    noteUse: (sessionId) => noteUse(counts, sessionId),
    async lastUse(sessionId) {
      const agoMs = await unusedMs(counts, sessionId);
      // Redis says how long ago by its own clock, which need not be that of this process.
      return agoMs === undefined ? undefined : clock.now() - agoMs;
    },
  };
}

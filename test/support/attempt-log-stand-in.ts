import type { AttemptLog, LoggedAttempt } from '../../src/delivery/ports.ts';

/** What several processes share of their attempts, for tests in which there is but one. */
export function createAttemptLogStandIn(): AttemptLog {
  const attempts = new Map<string, LoggedAttempt[]>();
  return {
    record({ id }, attempt) {
      attempts.set(id, [...(attempts.get(id) ?? []), attempt]);
      return undefined;
    },
    list: async (_paymentId, eventId) => attempts.get(eventId) ?? [],
    close: async () => attempts.clear(),
  };
}

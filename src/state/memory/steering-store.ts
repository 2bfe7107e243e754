import type { RuleUse, SteeringChange, SteeringDocument, SteeringStore } from '../../simulator/ports.ts';

interface Tally {
  /** Calls that fit. */
  seen: number;
  /** Calls that the rule applied to. */
  fired: number;
}

interface State {
  order: number;
  apply: (change: SteeringChange) => void;
  /** By session and rule. */
  readonly tallies: Map<string, Map<string, Tally>>;
  /** By session, rule and reservation; the one that has waited longest for another comes first. */
  readonly ofReservations: Map<string, { readonly sessionId: string; readonly ruleId: string; tally: Tally }>;
}

/** So many are remembered, about 30 MB. */
const maxReservations = 100_000;

/** What testers set, in this process's memory. */
export function createMemorySteeringStore(): SteeringStore {
  const self: State = { order: 0, apply: () => undefined, tallies: new Map(), ofReservations: new Map() };
  return {
    onChange: (apply) => void (self.apply = apply),
    refresh: () => undefined,
    put: async (documents) => documents.forEach((document, key) => tell(self, key, document)),
    remove: async (keys) => keys.forEach((key) => tell(self, key, undefined)),
    fire: (use) => fire(self, use),
    occurrence: (use) => tallyOfReservation(self, use, 'draws').seen++,
    matched: async (sessionId) =>
      new Map([...(self.tallies.get(sessionId) ?? [])].map(([ruleId, { fired }]) => [ruleId, fired])),
    forgetCounts: async (sessionId, ruleId) => forgetCounts(self, sessionId, ruleId),
    noteUse: () => undefined,
    lastUse: async () => undefined,
  };
}

function tell(self: State, key: string, document: SteeringDocument | undefined): void {
  self.order += 1;
  self.apply({ key, document, order: self.order });
}

function fire(self: State, use: RuleUse): boolean {
  const { skip, times, perReservation } = use;
  const ofRule = tallyOfRule(self, use);
  const tally = perReservation ? tallyOfReservation(self, use, 'calls') : ofRule;
  tally.seen += 1;
  if (tally.seen <= skip || (times > 0 && tally.seen > skip + times)) {
    return false;
  }
  ofRule.fired += 1;
  return true;
}

function tallyOfRule({ tallies }: State, { sessionId, ruleId }: RuleUse): Tally {
  const ofSession = tallies.get(sessionId) ?? new Map<string, Tally>();
  tallies.set(sessionId, ofSession);
  const tally = ofSession.get(ruleId) ?? { seen: 0, fired: 0 };
  ofSession.set(ruleId, tally);
  return tally;
}

/** Calls and draws of a reservation are counted apart. */
function tallyOfReservation(
  { ofReservations }: State,
  { sessionId, ruleId, reservationId }: RuleUse,
  what: 'calls' | 'draws',
): Tally {
  const key = JSON.stringify([sessionId, ruleId, reservationId, what]);
  const known = ofReservations.get(key) ?? { sessionId, ruleId, tally: { seen: 0, fired: 0 } };
  // A map keeps the order of insertion: set anew, it is the last to be forgotten.
  ofReservations.delete(key);
  const [oldest] = ofReservations.size >= maxReservations ? ofReservations.keys() : [];
  if (oldest !== undefined) {
    ofReservations.delete(oldest);
  }
  ofReservations.set(key, known);
  return known.tally;
}

function forgetCounts({ tallies, ofReservations }: State, sessionId: string, ruleId?: string): void {
  if (ruleId === undefined) {
    tallies.delete(sessionId);
  } else {
    tallies.get(sessionId)?.delete(ruleId);
  }
  for (const [key, known] of ofReservations) {
    if (known.sessionId === sessionId && (ruleId === undefined || known.ruleId === ruleId)) {
      ofReservations.delete(key);
    }
  }
}

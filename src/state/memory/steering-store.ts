import { createRecentMap, type RecentMap } from '../../base/recent-map.ts';
import type {
  Asked,
  RuleUse,
  SteeringChange,
  SteeringDocument,
  SteeringStore,
} from '../../simulator/ports.ts';
import { globalSession } from '../../simulator/session.ts';

interface Tally {
  /** Another one for a rule whose counts were forgotten. */
  readonly id: number;
  /** Calls that fit. */
  seen: number;
  /** Calls that the rule applied to. */
  fired: number;
}

/** By rule. */
type Tallies = Map<string, Tally>;

interface State {
  order: number;
  apply: (change: SteeringChange) => void;
  /** The rules and settings that are there, with their sessions. */
  readonly documents: Map<string, string>;
  /** How many each session has. */
  readonly counts: Map<string, number>;
  /** Of sessions with documents. */
  readonly tallies: Map<string, Tallies>;
  /** Of those that are only names, in which rules of files apply. */
  readonly talliesOfNames: RecentMap<Tallies>;
  /** Of one reservation each, by the rule's tally: what belongs to one that is forgotten is not found again. */
  readonly ofReservations: RecentMap<Tally>;
  talliesMade: number;
}

/** So many are remembered, about 30 MB. */
const maxReservations = 100_000;
/** So many are remembered, about 10 MB. */
const maxNames = 20_000;

/** What testers set, in this process's memory. */
export function createMemorySteeringStore(): SteeringStore {
  const self: State = {
    order: 0,
    apply: () => undefined,
    documents: new Map(),
    counts: new Map(),
    // The global session is always there.
    tallies: new Map([[globalSession, new Map()]]),
    talliesOfNames: createRecentMap(maxNames),
    ofReservations: createRecentMap(maxReservations),
    talliesMade: 0,
  };
  return {
    onChange: (apply) => void (self.apply = apply),
    refresh: () => undefined,
    put: async (documents) => documents.forEach((document, key) => tell(self, key, document)),
    remove: async (keys) => keys.forEach((key) => tell(self, key, undefined)),
    fire: (use) => fire(self, use),
    occurrence: (use) => tallyOfReservation(self, use, 'draws').seen++,
    asked: (use) => asked(self, use),
    matched: async (sessionId) =>
      new Map([...(knownTallies(self, sessionId) ?? [])].map(([ruleId, { fired }]) => [ruleId, fired])),
    forgetCounts: async (sessionId, ruleId) => forgetCounts(self, sessionId, ruleId),
    noteUse: () => undefined,
    lastUse: async () => undefined,
  };
}

function tell(self: State, key: string, document: SteeringDocument | undefined): void {
  keepTallies(self, key, document);
  self.order += 1;
  self.apply({ key, document, order: self.order });
}

/** Of a session for as long as it has rules or settings. */
function keepTallies(self: State, key: string, document: SteeringDocument | undefined): void {
  const { documents, counts, tallies, talliesOfNames } = self;
  const sessionId = document?.sessionId ?? documents.get(key);
  if (sessionId === undefined || sessionId === globalSession || document?.kind === 'reset') {
    return;
  }
  const before = talliesOf(self, sessionId);
  const count = (counts.get(sessionId) ?? 0) + Number(document !== undefined) - Number(documents.delete(key));
  if (document !== undefined) {
    documents.set(key, sessionId);
  }
  if (count > 0) {
    counts.set(sessionId, count);
    tallies.set(sessionId, before);
    talliesOfNames.delete(sessionId);
  } else {
    counts.delete(sessionId);
    tallies.delete(sessionId);
    talliesOfNames.take(sessionId, () => before);
  }
}

function talliesOf({ tallies, talliesOfNames }: State, sessionId: string): Tallies {
  return tallies.get(sessionId) ?? talliesOfNames.take(sessionId, () => new Map());
}

/** The same for who only looks: makes none, and keeps none from being forgotten. */
function knownTallies({ tallies, talliesOfNames }: State, sessionId: string): Tallies | undefined {
  return tallies.get(sessionId) ?? talliesOfNames.peek(sessionId);
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

function newTally(self: State): Tally {
  self.talliesMade += 1;
  return { id: self.talliesMade, seen: 0, fired: 0 };
}

function tallyOfRule(self: State, { sessionId, ruleId }: RuleUse): Tally {
  const ofSession = talliesOf(self, sessionId);
  const tally = ofSession.get(ruleId) ?? newTally(self);
  ofSession.set(ruleId, tally);
  return tally;
}

/** Calls and draws of a reservation are counted apart. */
function tallyOfReservation(self: State, use: RuleUse, what: 'calls' | 'draws'): Tally {
  const { id } = tallyOfRule(self, use);
  return self.ofReservations.take(`${id}:${what}:${use.reservationId}`, () => newTally(self));
}

function asked(self: State, use: RuleUse): Asked {
  const tally = knownTallies(self, use.sessionId)?.get(use.ruleId);
  if (tally === undefined) {
    return { seen: 0, draws: 0 };
  }
  const ofReservation = (what: 'calls' | 'draws') =>
    self.ofReservations.peek(`${tally.id}:${what}:${use.reservationId}`)?.seen ?? 0;
  return { seen: use.perReservation ? ofReservation('calls') : tally.seen, draws: ofReservation('draws') };
}

function forgetCounts(self: State, sessionId: string, ruleId?: string): void {
  const { tallies, talliesOfNames } = self;
  if (ruleId === undefined) {
    if (sessionId === globalSession) {
      tallies.get(sessionId)?.clear();
    } else {
      tallies.delete(sessionId);
    }
    talliesOfNames.delete(sessionId);
  } else {
    talliesOf(self, sessionId).delete(ruleId);
  }
}

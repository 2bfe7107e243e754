import type { Rule } from './rule.ts';
import type { SessionSettings } from './session.ts';

/** One thing that a tester has set; JSON. */
export type SteeringDocument =
  | { readonly kind: 'rule'; readonly sessionId: string; readonly rule: Rule }
  | { readonly kind: 'session'; readonly sessionId: string; readonly settings: SessionSettings }
  /** The session was reset: its idempotency keys of before are of another scope, as long as they live. */
  | {
      readonly kind: 'reset';
      readonly sessionId: string;
      readonly scope: string;
      /** By the machine's clock. */
      readonly untilMs: number;
    };

/** A document that came, or went. */
export interface SteeringChange {
  readonly key: string;
  /** Undefined when it went. */
  readonly document: SteeringDocument | undefined;
  /** Greater than that of every earlier change. */
  readonly order: number;
}

/** A call that fits a rule. */
export interface RuleUse {
  readonly sessionId: string;
  readonly ruleId: string;
  readonly reservationId: string;
  /** See `Rule`. */
  readonly skip: number;
  readonly times: number;
  readonly perReservation: boolean;
}

/** How often a rule was asked. */
export interface Asked {
  /** Calls that fit; where each reservation counts by itself those of the reservation. */
  readonly seen: number;
  /** Draws of the reservation: see `SteeringStore.occurrence`. */
  readonly draws: number;
}

/**
 * Keeps what testers set, and counts. All who share it see every change, and count together, however their
 * calls race. What is there at once is answered without a promise.
 */
export interface SteeringStore {
  /** Is told of every document that is there and of every later change; called once, before all else. */
  onChange(apply: (change: SteeringChange) => void): void;
  /** Ends when all changes that anybody was told of before are applied; undefined when they are. */
  refresh(): Promise<void> | undefined;
  /** Puts documents; applied when it ends. */
  put(documents: ReadonlyMap<string, SteeringDocument>): Promise<void>;
  /** Removes documents; applied when it ends. */
  remove(keys: readonly string[]): Promise<void>;
  /** Counts a call that fits, and says whether the rule applies to it: after the first `skip`, `times` times. */
  fire(use: RuleUse): boolean | Promise<boolean>;
  /** How many calls with the reservation a rule had before this one, which it counts: at least the last 24 hours'. */
  occurrence(use: RuleUse): number | Promise<number>;
  /** How often a rule was asked so far. Counts nothing. */
  asked(use: RuleUse): Asked | Promise<Asked>;
  /** How many calls of a session each of its rules has applied to, by id; those of files included. */
  matched(sessionId: string): Promise<ReadonlyMap<string, number>>;
  /** Forgets the counts of a session, or of one rule in it. */
  forgetCounts(sessionId: string, ruleId?: string): Promise<void>;
  /** Notes that a session is in use. */
  noteUse(sessionId: string): void;
  /** When others have last noted the use of a session, in milliseconds since the epoch; undefined if never. */
  lastUse(sessionId: string): Promise<number | undefined>;
}

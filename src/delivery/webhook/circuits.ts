import { clockOf, type SimClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import type { RandomSource } from '../../base/random.ts';
import type { DeliveryReport } from '../observer.ts';
import type { RetryOptions } from '../retry-policy.ts';

interface WebhookCircuitsDeps {
  /** The same as that of the back-off, which circuits are a part of. */
  readonly clock: SimClock;
  readonly random: RandomSource;
  readonly observe: Observer<DeliveryReport>;
  /** The time that a circuit stays open follows the back-off of the retries. */
  readonly retry: RetryOptions;
}

/** Leave to send: as usual, or as the one attempt that finds out how an origin is now. */
export type Admission = 'regular' | 'probe';

/**
 * One circuit per origin. It opens after `failuresToOpen` failures in a row, whichever deliveries they
 * belong to, and lets one attempt through when its time is over: success closes it, failure opens it
 * again for twice as long. Deliveries wait meanwhile; that costs them no attempt and no connection.
 */
export interface WebhookCircuits {
  /** How long to wait before asking again, in milliseconds; undefined when attempts may be made. */
  blockedForMs(origin: string): number | undefined;
  /** Leave to send; every one must be followed by a `report`. Otherwise as `blockedForMs`. */
  admit(origin: string): Admission | { readonly blockedForMs: number };
  /** Tells how an attempt ended. Returns true when that opened the circuit. */
  report(origin: string, admission: Admission, isAlive: boolean): boolean;
  /** How many are open, for the metrics. */
  openCount(): number;
  /** Those of a session: with a clock of its own it has circuits of its own, whose time is the clock's. */
  of(sessionId: string | undefined): WebhookCircuits;
}

/** Failures in a row that open a circuit. */
export const failuresToOpen = 5;
/** Longest time that a circuit stays open, in milliseconds. */
const maxOpenMs = 60_000;
/** Origins with failures that are remembered; beyond it the one that began to fail first is forgotten. */
const maxOrigins = 10_000;

/** Exists only for origins whose last attempt failed. */
interface Circuit {
  failures: number;
  /** How often in a row it was opened; 0 while it is closed. */
  opens: number;
  openUntilMs: number;
  isProbing: boolean;
}

interface State extends WebhookCircuitsDeps {
  readonly circuits: Map<string, Circuit>;
  /** By the clocks of sessions. */
  readonly others: WeakMap<SimClock, WebhookCircuits>;
}

/** See `WebhookCircuits`. */
export function createWebhookCircuits(deps: WebhookCircuitsDeps): WebhookCircuits {
  const self: State = { ...deps, circuits: new Map(), others: new WeakMap() };
  const own: WebhookCircuits = {
    blockedForMs: (origin) => blockedForMs(self, origin),
    admit: (origin) => admit(self, origin),
    report: (origin, admission, isAlive) =>
      isAlive ? reportAlive(self, origin) : reportFailure(self, origin, admission),
    openCount: () => [...self.circuits.values()].filter(({ opens }) => opens > 0).length,
    of(sessionId) {
      const clock = clockOf(self.clock, sessionId);
      return clock === self.clock ? own : circuitsBy(self, clock);
    },
  };
  return own;
}

function circuitsBy(self: State, clock: SimClock): WebhookCircuits {
  const known = self.others.get(clock);
  if (known !== undefined) {
    return known;
  }
  const { random, observe, retry } = self;
  const made = createWebhookCircuits({ clock, random, observe, retry });
  self.others.set(clock, made);
  return made;
}

function blockedForMs(self: State, origin: string): number | undefined {
  const circuit = self.circuits.get(origin);
  if (circuit === undefined || circuit.opens === 0) {
    return undefined;
  }
  const leftMs = circuit.openUntilMs - self.clock.now();
  if (!circuit.isProbing && leftMs <= 0) {
    return undefined;
  }
  // Spread, so that not all who wait come back in the same moment.
  return Math.ceil(Math.max(leftMs, 0) + self.random() * openMsOf(self, circuit));
}

function admit(self: State, origin: string): Admission | { readonly blockedForMs: number } {
  const blockedMs = blockedForMs(self, origin);
  if (blockedMs !== undefined) {
    return { blockedForMs: blockedMs };
  }
  const circuit = self.circuits.get(origin);
  if (circuit === undefined || circuit.opens === 0) {
    return 'regular';
  }
  circuit.isProbing = true;
  return 'probe';
}

function reportAlive({ circuits, observe }: State, origin: string): false {
  const circuit = circuits.get(origin);
  circuits.delete(origin);
  if (circuit !== undefined && circuit.opens > 0) {
    observe({ kind: 'circuit-closed', origin });
  }
  return false;
}

/** Returns true when that opened the circuit. */
function reportFailure(self: State, origin: string, admission: Admission): boolean {
  const circuit = circuitOf(self, origin);
  circuit.failures += 1;
  // What was under way when it opened says nothing new.
  const opens = admission === 'probe' || (circuit.opens === 0 && circuit.failures >= failuresToOpen);
  if (opens) {
    circuit.opens += 1;
    circuit.isProbing = false;
    const openMs = openMsOf(self, circuit);
    circuit.openUntilMs = self.clock.now() + openMs;
    self.observe({ kind: 'circuit-opened', origin, failures: circuit.failures, openMs });
  }
  return opens;
}

/**
 * A delivery that fails alone has waited longer than this by the time it has opened the circuit, so
 * its own schedule stays as the retry policy has it.
 */
function openMsOf({ retry }: State, circuit: Circuit): number {
  const doubledMs = retry.baseMs * 4 * 2 ** Math.min(circuit.opens - 1, 40);
  return Math.min(doubledMs, retry.maxMs / 2, maxOpenMs);
}

function circuitOf({ circuits }: State, origin: string): Circuit {
  let circuit = circuits.get(origin);
  if (circuit === undefined) {
    circuit = { failures: 0, opens: 0, openUntilMs: 0, isProbing: false };
    const [oldest] = circuits.size >= maxOrigins ? circuits.keys() : [];
    if (oldest !== undefined) {
      circuits.delete(oldest);
    }
    circuits.set(origin, circuit);
  }
  return circuit;
}

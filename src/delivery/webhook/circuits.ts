import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { RandomSource } from '../../base/random.ts';
import type { RetryOptions } from '../retry-policy.ts';

/** What the circuits work with. */
export interface WebhookCircuitsDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
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
  /** When to ask again (milliseconds since the epoch); undefined when the way is free. */
  blockedUntilMs(origin: string): number | undefined;
  /** Leave to send; every one must be followed by a `report`. Otherwise as `blockedUntilMs`. */
  admit(origin: string): Admission | { readonly blockedUntilMs: number };
  /** Tells how an attempt ended. Returns true when that opened the circuit. */
  report(origin: string, admission: Admission, isAlive: boolean): boolean;
  /** How many are open, for the metrics. */
  openCount(): number;
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

/** See `WebhookCircuits`. */
export function createWebhookCircuits(deps: WebhookCircuitsDeps): WebhookCircuits {
  const { clock, logger, retry } = deps;
  const circuits = new Map<string, Circuit>();

  /**
   * A delivery that fails alone has waited longer than this by the time it has opened the circuit, so
   * its own schedule stays as the retry policy has it.
   */
  function openMsOf(circuit: Circuit): number {
    const doubledMs = retry.baseMs * 4 * 2 ** Math.min(circuit.opens - 1, 40);
    return Math.min(doubledMs, retry.maxMs / 2, maxOpenMs);
  }

  function blockedUntilMs(origin: string): number | undefined {
    const circuit = circuits.get(origin);
    if (circuit === undefined || circuit.opens === 0) {
      return undefined;
    }
    const nowMs = clock.now();
    if (!circuit.isProbing && circuit.openUntilMs <= nowMs) {
      return undefined;
    }
    // Spread, so that not all who wait come back in the same moment.
    return Math.ceil(Math.max(circuit.openUntilMs, nowMs) + deps.random() * openMsOf(circuit));
  }

  function circuitOf(origin: string): Circuit {
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

  return {
    blockedUntilMs,

    admit(origin) {
      const untilMs = blockedUntilMs(origin);
      if (untilMs !== undefined) {
        return { blockedUntilMs: untilMs };
      }
      const circuit = circuits.get(origin);
      if (circuit === undefined || circuit.opens === 0) {
        return 'regular';
      }
      circuit.isProbing = true;
      return 'probe';
    },

    report(origin, admission, isAlive) {
      if (isAlive) {
        const circuit = circuits.get(origin);
        circuits.delete(origin);
        if (circuit !== undefined && circuit.opens > 0) {
          logger.info({ origin }, 'Webhook circuit closed');
        }
        return false;
      }
      const circuit = circuitOf(origin);
      circuit.failures += 1;
      // What was under way when it opened says nothing new.
      const opens = admission === 'probe' || (circuit.opens === 0 && circuit.failures >= failuresToOpen);
      if (opens) {
        circuit.opens += 1;
        circuit.isProbing = false;
        const openMs = openMsOf(circuit);
        circuit.openUntilMs = clock.now() + openMs;
        logger.warn({ origin, failures: circuit.failures, open_ms: openMs }, 'Webhook circuit opened');
      }
      return opens;
    },

    openCount() {
      let open = 0;
      for (const circuit of circuits.values()) {
        open += circuit.opens > 0 ? 1 : 0;
      }
      return open;
    },
  };
}

import type { Behavior, WantedOutcome } from './behavior.ts';
import type { SettlementStatus, Scenario } from './payment.ts';
import type { RandomOutcomes } from './random-outcomes.ts';
import type { CreateIntentCommand } from './validation.ts';

/** The figures that scenarios are made of; all delays in milliseconds. */
export interface ScenarioOptions {
  readonly defaultScenario: Scenario;
  readonly defaultDelayMs: number;
  readonly delayScenarioMs: number;
  /** How long a payment that nobody pays waits before it expires. */
  readonly expiryMs: number;
}

/** What becomes of a payment. */
export interface SettlementPlan {
  readonly scenario: Scenario;
  readonly outcome: SettlementStatus;
  /** From its creation, in milliseconds. */
  readonly delayMs: number;
  /** Whether the outcome was drawn. */
  readonly isDrawn: boolean;
}

/** A payment that does not settle by itself is due in a year, in milliseconds. */
const heldMs = 31_536_000_000;

/**
 * Decides outcome of a payment, and how long after its creation it settles: as the behavior has it, else the
 * request's scenario, or else the options. For RANDOM, and for nothing else, takes one of `outcomes`.
 */
export function planSettlement(
  request: Pick<CreateIntentCommand, 'reservationId' | 'scenario' | 'expires'>,
  options: ScenarioOptions,
  outcomes: RandomOutcomes,
  behavior?: Behavior,
): SettlementPlan {
  const scenario = request.scenario ?? options.defaultScenario;
  const wanted = behavior?.outcome ?? (request.expires === true ? 'EXPIRE' : undefined);
  const scenarioDelayMs = scenario === 'DELAY' ? options.delayScenarioMs : options.defaultDelayMs;
  const delayMs = behavior?.delayMs ?? (wanted === 'EXPIRE' ? options.expiryMs : scenarioDelayMs);
  if (wanted !== undefined) {
    const outcome = statusOf[wanted];
    return { scenario, outcome, delayMs: wanted === 'HOLD' ? heldMs : delayMs, isDrawn: false };
  }
  const isDrawn = scenario === 'RANDOM';
  const outcome = isDrawn ? outcomes.next(request.reservationId) : outcomeOf(scenario);
  return { scenario, outcome, delayMs, isDrawn };
}

/** One that is held ends as if nobody had paid, should nobody ever do anything about it. */
const statusOf: Readonly<Record<WantedOutcome, SettlementStatus>> = {
  APPROVE: 'COMPLETED',
  DECLINE: 'FAILED',
  HOLD: 'EXPIRED',
  EXPIRE: 'EXPIRED',
};

function outcomeOf(scenario: Exclude<Scenario, 'RANDOM'>): SettlementStatus {
  switch (scenario) {
    case 'APPROVE':
    case 'DELAY':
      return 'COMPLETED';
    case 'FAIL':
      return 'FAILED';
  }
}

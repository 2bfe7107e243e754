import type { RandomSource } from '../base/random.ts';
import type { FinalStatus, Scenario } from './payment.ts';

/** The figures that scenarios are made of; all delays in milliseconds. */
export interface ScenarioOptions {
  readonly defaultScenario: Scenario;
  readonly defaultDelayMs: number;
  readonly delayScenarioMs: number;
  /** Probability from 0 to 1 that a RANDOM payment fails. */
  readonly randomFailureRate: number;
}

/** What will become of a payment, and how long after its creation. */
export interface SettlementPlan {
  readonly scenario: Scenario;
  readonly outcome: FinalStatus;
  readonly delayMs: number;
}

/** What the caller asked for; undefined leaves the choice to the options. */
export interface ScenarioRequest {
  readonly scenario: Scenario | undefined;
  readonly delayMs: number | undefined;
}

/**
 * Decides outcome and delay of a payment. Draws from `random` for RANDOM only, once, so that a
 * seeded source gives the same outcomes for the same order of RANDOM payments.
 */
export function planSettlement(
  request: ScenarioRequest,
  options: ScenarioOptions,
  random: RandomSource,
): SettlementPlan {
  const scenario = request.scenario ?? options.defaultScenario;
  const scenarioDelayMs = scenario === 'DELAY' ? options.delayScenarioMs : options.defaultDelayMs;
  return {
    scenario,
    outcome: decideOutcome(scenario, options, random),
    delayMs: request.delayMs ?? scenarioDelayMs,
  };
}

function decideOutcome(scenario: Scenario, options: ScenarioOptions, random: RandomSource): FinalStatus {
  switch (scenario) {
    case 'APPROVE':
    case 'DELAY':
      return 'COMPLETED';
    case 'FAIL':
      return 'FAILED';
    case 'RANDOM':
      return random() < options.randomFailureRate ? 'FAILED' : 'COMPLETED';
  }
}

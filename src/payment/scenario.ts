import type { RandomSource } from '../base/random.ts';
import type { FinalStatus, Scenario } from './payment.ts';
import type { CreateIntentCommand } from './validation.ts';

/** The figures that scenarios are made of; all delays in milliseconds. */
export interface ScenarioOptions {
  readonly defaultScenario: Scenario;
  readonly defaultDelayMs: number;
  readonly delayScenarioMs: number;
  /** Probability from 0 to 1 that a RANDOM payment fails. */
  readonly randomFailureRate: number;
}

/**
 * Decides outcome of a payment, and how long after its creation it settles, as the request has it or else
 * the options. Draws from `random` for RANDOM only, once, so that a seeded source gives the same outcomes for
 * the same order of RANDOM payments.
 */
export function planSettlement(
  request: Pick<CreateIntentCommand, 'scenario' | 'delayMs'>,
  options: ScenarioOptions,
  random: RandomSource,
) {
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

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

/**
 * Decides outcome of a payment, and how long after its creation it settles, as the request has it or else
 * the options. For RANDOM, and for nothing else, takes one of `outcomes`.
 */
export function planSettlement(
  request: Pick<CreateIntentCommand, 'reservationId' | 'scenario' | 'delayMs' | 'expires'>,
  options: ScenarioOptions,
  outcomes: RandomOutcomes,
) {
  const scenario = request.scenario ?? options.defaultScenario;
  if (request.expires === true) {
    return { scenario, outcome: 'EXPIRED' as const, delayMs: request.delayMs ?? options.expiryMs };
  }
  const scenarioDelayMs = scenario === 'DELAY' ? options.delayScenarioMs : options.defaultDelayMs;
  return {
    scenario,
    outcome: scenario === 'RANDOM' ? outcomes.next(request.reservationId) : outcomeOf(scenario),
    delayMs: request.delayMs ?? scenarioDelayMs,
  };
}

function outcomeOf(scenario: Exclude<Scenario, 'RANDOM'>): SettlementStatus {
  switch (scenario) {
    case 'APPROVE':
    case 'DELAY':
      return 'COMPLETED';
    case 'FAIL':
      return 'FAILED';
  }
}

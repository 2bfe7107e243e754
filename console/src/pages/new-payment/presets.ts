import type { FormValues } from './fields.ts';

/* What testers try first: examples of options, which the form can start from. Pure. */

export const presets = {
  ordinary: {},
  declined: { 'simulation.failure_code': 'insufficient_funds' },
  held: { 'simulation.outcome': 'SIMULATED_OUTCOME_HOLD' },
  twice: { 'simulation.delivery.copies': '2' },
  lost: { 'simulation.delivery.drop': 'true' },
  forged: { 'simulation.delivery.signature': 'SIMULATED_SIGNATURE_WRONG_SECRET' },
  unanswered: {
    'simulation.api.code': 'UNAVAILABLE',
    'simulation.api.when': 'SIMULATED_ERROR_TIME_AFTER',
  },
  refundFails: { 'simulation.refund.failure_code': 'processing_error' },
} as const satisfies Readonly<Record<string, FormValues>>;

export type PresetName = keyof typeof presets;

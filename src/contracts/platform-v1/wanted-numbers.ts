import { wantedScenario, wantedStatus } from '../../payment/wanted-values.ts';

/*
 * What fields of the platform's contract must be, where its numbers differ from those in the domain's words.
 */

/** A scenario, by its name or number in this contract. */
export const platformScenario = `${wantedScenario}, PAYMENT_SCENARIO_TIMEOUT (5)`;

/** A status, by its name or number in this contract. */
export const platformStatus =
  'one of PAYMENT_STATUS_PENDING (1), PAYMENT_STATUS_COMPLETED (3), PAYMENT_STATUS_FAILED (4), PAYMENT_STATUS_CANCELLED (5), PAYMENT_STATUS_REFUNDED (6), PAYMENT_STATUS_EXPIRED (7)';

/** The domain's description of a bad field, with the numbers of this contract. */
export function withPlatformNumbers(description: string): string {
  return description.replace(wantedStatus, platformStatus).replace(wantedScenario, platformScenario);
}

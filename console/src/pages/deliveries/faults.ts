import { SimulatedSignature } from '../../../../gen/payment/v1/payment_pb.js';

/* Ways to send something again. Pure. */

export const faultNames = [
  'asUsual',
  'copies',
  'delay',
  'wrongSecret',
  'missing',
  'stale',
  'tampered',
] as const;

export type FaultName = (typeof faultNames)[number];

/** What of `SimulationOptions.delivery` makes it so; nothing for the usual way. */
const deliveries = {
  copies: { copies: 2 },
  delay: { delayMs: 5_000 },
  wrongSecret: { signature: SimulatedSignature.WRONG_SECRET },
  missing: { signature: SimulatedSignature.MISSING },
  stale: { signature: SimulatedSignature.STALE },
  tampered: { signature: SimulatedSignature.TAMPERED },
} as const;

/** The part of a ResendDeliveriesRequest that says how. */
export function faultNamed(name: FaultName) {
  return name === 'asUsual' ? {} : { simulation: { delivery: deliveries[name] } };
}

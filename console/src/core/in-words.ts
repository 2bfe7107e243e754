import { toJson } from '@bufbuild/protobuf';
import { SimulationOptionsSchema, type SimulationOptions } from '../../../gen/payment/v1/payment_pb.js';
import type { Match } from '../../../gen/simulator/v1/simulator_pb.js';

/* Rules as one reads them in a list. Pure. */

/** Such as `user_id = user-1, amount ≥ 1000`; empty: all that the method has. */
export function describeMatch(match: Match | undefined): string {
  if (match === undefined) {
    return '';
  }
  const texts = [
    ['user_id', match.userId],
    ['reservation_id', match.reservationId],
    ['currency', match.currency],
    ['webhook_url', match.webhookUrl],
  ] as const;
  return [
    ...texts.flatMap(([name, value]) => (value === '' ? [] : [`${name} = ${value}`])),
    ...(match.minAmount > 0n ? [`amount ≥ ${match.minAmount}`] : []),
    ...(match.maxAmount > 0n ? [`amount ≤ ${match.maxAmount}`] : []),
  ].join(', ');
}

/** Such as `failure_code insufficient_funds, api.delay_ms 500`: the fields that are given, by their paths. */
export function describeOptions(options: SimulationOptions | undefined): string {
  if (options === undefined) {
    return '';
  }
  const json: unknown = toJson(SimulationOptionsSchema, options, { useProtoFieldName: true });
  return pathsOf('', json).join(', ');
}

function pathsOf(path: string, value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) =>
      pathsOf(path === '' ? name : `${path}.${name}`, inner),
    );
  }
  return [value === true ? path : `${path} ${String(value).replace(/^SIMULATED_[A-Z]+?_(?:TIME_)?/, '')}`];
}

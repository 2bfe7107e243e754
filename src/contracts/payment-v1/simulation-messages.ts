import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Code } from '../../../gen/google/rpc/code_pb.js';
import {
  SimulatedChannel as ProtoChannel,
  type SimulatedDeliverySchema,
  SimulatedErrorTime,
  SimulatedOutcome,
  SimulatedSignature,
  type SimulationOptions,
  type SimulationOptionsSchema,
} from '../../../gen/payment/v1/payment_pb.js';
import type { ApiBehavior, Behavior, BehaviorInput, WantedOutcome } from '../../payment/behavior.ts';
import type { DeliveryBehavior, SignatureFault, SimulatedChannel } from '../../payment/payment.ts';
import { statusFromProto, statusToProto } from './payment-messages.ts';
import { createEnumReader } from '../enum-reader.ts';

/* `SimulationOptions` in the words of the domain, in both directions: in requests, headers, rules, sessions. */

const outcomeToProto: Readonly<Record<WantedOutcome, SimulatedOutcome>> = {
  APPROVE: SimulatedOutcome.APPROVE,
  DECLINE: SimulatedOutcome.DECLINE,
  HOLD: SimulatedOutcome.HOLD,
  EXPIRE: SimulatedOutcome.EXPIRE,
};

const timeToProto: Readonly<Record<ApiBehavior['when'], SimulatedErrorTime>> = {
  BEFORE: SimulatedErrorTime.BEFORE,
  AFTER: SimulatedErrorTime.AFTER,
};

const channelToProto: Readonly<Record<SimulatedChannel, ProtoChannel>> = {
  webhook: ProtoChannel.WEBHOOK,
  eventbridge: ProtoChannel.EVENTBRIDGE,
};

const signatureToProto: Readonly<Record<SignatureFault, SimulatedSignature>> = {
  WRONG_SECRET: SimulatedSignature.WRONG_SECRET,
  MISSING: SimulatedSignature.MISSING,
  STALE: SimulatedSignature.STALE,
  TAMPERED: SimulatedSignature.TAMPERED,
};

const channelFromProto = createEnumReader(channelToProto);
const signatureFromProto = createEnumReader(signatureToProto);
const outcomeFromProto = createEnumReader(outcomeToProto);
const timeFromProto = createEnumReader(timeToProto);

export function behaviorFromProto(options: SimulationOptions): BehaviorInput {
  const { delayMs, outcome, failureCode, api, refund, delivery } = options;
  return {
    delayMs,
    outcome: outcomeFromProto(outcome),
    failureCode,
    api: api && {
      code: api.code,
      message: api.message,
      delayMs: api.delayMs,
      retryAfterMs: api.retryAfterMs,
      when: timeFromProto(api.when),
      drop: api.dropConnection,
    },
    refund: refund && {
      outcome: outcomeFromProto(refund.outcome),
      delayMs: refund.delayMs,
      failureCode: refund.failureCode,
    },
    delivery: delivery && {
      channel: channelFromProto(delivery.channel),
      copies: delivery.copies,
      delayMs: delivery.delayMs,
      drop: delivery.drop,
      holdUntilNextEvent: delivery.holdUntilNextEvent,
      signature: signatureFromProto(delivery.signature),
      conflictingStatus: statusFromProto(delivery.conflictingStatus),
    },
  };
}

/** As it is understood: defaults are written out. */
export function behaviorToProto(behavior: Behavior): MessageInitShape<typeof SimulationOptionsSchema> {
  const { delayMs, outcome, failureCode, api, refund, delivery } = behavior;
  return {
    ...(delayMs !== undefined && { delayMs }),
    ...(outcome && { outcome: outcomeToProto[outcome] }),
    ...(failureCode !== undefined && { failureCode }),
    ...(api && { api: apiToProto(api) }),
    ...(refund && {
      refund: {
        outcome: refund.failureCode === undefined ? SimulatedOutcome.APPROVE : SimulatedOutcome.DECLINE,
        delayMs: refund.delayMs,
        failureCode: refund.failureCode ?? '',
      },
    }),
    ...(delivery && { delivery: deliveryToProto(delivery) }),
  };
}

function deliveryToProto(delivery: DeliveryBehavior): MessageInitShape<typeof SimulatedDeliverySchema> {
  const { channel, copies, delayMs, drop, holdUntilNextEvent, signature, conflictingStatus } = delivery;
  return {
    ...(channel && { channel: channelToProto[channel] }),
    copies: copies === 1 ? 0 : copies,
    delayMs,
    drop,
    holdUntilNextEvent,
    ...(signature && { signature: signatureToProto[signature] }),
    ...(conflictingStatus && { conflictingStatus: statusToProto[conflictingStatus] }),
  };
}

function apiToProto({ code, message, delayMs, retryAfterMs, when, drop }: ApiBehavior) {
  const fails = code !== 0 || drop;
  return {
    // The domain has whichever number the enum has.
    code: code as Code,
    message,
    delayMs,
    retryAfterMs,
    dropConnection: drop,
    ...(fails && { when: timeToProto[when] }),
  };
}

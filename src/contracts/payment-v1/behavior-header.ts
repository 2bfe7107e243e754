import { fromJsonString } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { CodeSchema } from '../../../gen/google/rpc/code_pb.js';
import { SimulationOptionsSchema } from '../../../gen/payment/v1/payment_pb.js';
import { errorMessage } from '../../base/error-text.ts';
import { nearestName } from '../../base/near-name.ts';
import {
  type ApiBehavior,
  type Behavior,
  isFailureCode,
  validateBehavior,
  type WantedOutcome,
} from '../../payment/behavior.ts';
import { invalidField } from '../../payment/errors.ts';
import { mergeBehaviors } from '../../payment/merge-behaviors.ts';
import { throwIfAny, type Violations } from '../../payment/violations.ts';
import { maxApiDelayMs } from '../../payment/wanted-values.ts';
import type { CallReaders } from '../call-readers.ts';
import { behaviorFromProto } from './simulation-messages.ts';

/** What shall happen to a call, beside its request; over gRPC it is metadata. */
export const behaviorHeader = 'payment-sim-behavior';

/*
 * Envoy's names for the same, so that what injects faults there does it here:
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter
 */
const envoyAbortHeader = 'x-envoy-fault-abort-grpc-request';
const envoyDelayHeader = 'x-envoy-fault-delay-request';

/** All that say what shall happen. */
export const behaviorHeaders: readonly string[] = [behaviorHeader, envoyAbortHeader, envoyDelayHeader];

const outcomes: readonly WantedOutcome[] = ['APPROVE', 'DECLINE', 'HOLD', 'EXPIRE'];
/** Why a payment fails whose payer went away; it looks like a code of gRPC. */
const abortedPayment = 'aborted';
/** How the contract has them. */
const outcomePrefix = 'SIMULATED_OUTCOME_';
const noAnswer: ApiBehavior = {
  code: 0,
  message: '',
  delayMs: 0,
  retryAfterMs: 0,
  when: 'BEFORE',
  drop: false,
};

/** What the decoder of protobuf refuses in the JSON of `SimulationOptions`, by field; empty when nothing is found. */
type FindMistakes = (json: string) => Violations;

/**
 * What the headers of a call say shall happen: our own first. Undefined when they say nothing.
 *
 * @throws PaymentError `invalid-request` that names the header.
 */
export function readBehaviorHeaders(
  { readHeader }: Pick<CallReaders, 'readHeader'>,
  context: HandlerContext,
  findMistakes: FindMistakes,
): Behavior | undefined {
  const own = readHeader(context, behaviorHeader);
  const abort = readHeader(context, envoyAbortHeader);
  const delay = readHeader(context, envoyDelayHeader);
  if (own === undefined && abort === undefined && delay === undefined) {
    return undefined;
  }
  const behavior = own === undefined ? {} : readBehavior(own.trim(), findMistakes);
  const envoys = abort === undefined && delay === undefined ? {} : { api: readEnvoy(abort, delay) };
  return mergeBehaviors(behavior, envoys);
}

function readBehavior(text: string, findMistakes: FindMistakes): Behavior {
  if (text.startsWith('{')) {
    return readJson(text, findMistakes);
  }
  const outcome = outcomes.find((each) => text === each || text === `${outcomePrefix}${each}`);
  if (outcome !== undefined) {
    return { outcome };
  }
  const code = CodeSchema.values.find(({ name, number }) => name === text && number > 0);
  if (code !== undefined) {
    return { api: { ...noAnswer, code: code.number } };
  }
  // A slip in another form must not become why a payment fails.
  if (isFailureCode(text) && !isSlip(text)) {
    return { outcome: 'DECLINE', failureCode: text };
  }
  throw invalidField(
    behaviorHeader,
    'must be a failure code such as insufficient_funds, an outcome (APPROVE, DECLINE, HOLD, EXPIRE), a code of gRPC such as UNAVAILABLE, or the JSON of SimulationOptions such as {"delay_ms": 500}',
  );
}

/** Whether a text is a number, or another form's name in another case or with a letter wrong. */
function isSlip(text: string): boolean {
  const names = [...outcomes, ...CodeSchema.values.map(({ name }) => name)];
  return (
    /^\d+$/.test(text) ||
    text.startsWith(outcomePrefix) ||
    (names.includes(text.toUpperCase()) && text !== abortedPayment) ||
    nearestName(text, names) !== undefined
  );
}

function readJson(text: string, findMistakes: FindMistakes): Behavior {
  const violations: Violations = [];
  const options = decode(text, findMistakes);
  const behavior = validateBehavior(violations, behaviorHeader, behaviorFromProto(options));
  throwIfAny(violations);
  return behavior;
}

function decode(text: string, findMistakes: FindMistakes) {
  try {
    return fromJsonString(SimulationOptionsSchema, text);
  } catch (error) {
    throwIfAny(
      findMistakes(text).map(({ field, description }) => ({
        field: `${behaviorHeader}.${field}`,
        description,
      })),
    );
    throw invalidField(
      behaviorHeader,
      `must be the JSON of payment.v1.SimulationOptions: ${errorMessage(error)}`,
    );
  }
}

function readEnvoy(abort: string | undefined, delay: string | undefined): ApiBehavior {
  if (abort !== undefined && !/^(?:1[0-6]|[1-9])$/.test(abort)) {
    throw invalidField(envoyAbortHeader, 'must be the number of a code of gRPC, from 1 to 16, such as 14');
  }
  if (delay !== undefined && !(/^\d{1,5}$/.test(delay) && Number(delay) <= maxApiDelayMs)) {
    throw invalidField(envoyDelayHeader, `must be a whole number of milliseconds from 0 to ${maxApiDelayMs}`);
  }
  return { ...noAnswer, code: Number(abort ?? 0), delayMs: Number(delay ?? 0) };
}

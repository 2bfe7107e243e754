import { SimulationOptionsSchema } from '../../gen/payment/v1/payment_pb.js';
import { createRandomIds } from '../base/ids.ts';
import { behaviorHeaders, readBehaviorHeaders } from '../contracts/payment-v1/behavior-header.ts';
import { paymentFieldHints } from '../contracts/payment-v1/field-hints.ts';
import type { CallReaders } from '../contracts/call-readers.ts';
import {
  createSteeredCalls,
  type SteeredCalls,
  unsteeredCalls,
} from '../contracts/steering/steered-calls.ts';
import type { Violations } from '../payment/violations.ts';
import type { WebhookUrlCheck } from '../payment/webhook-url.ts';
import { findJsonMistakes } from '../server/connect/json-request-check.ts';
import { noteResets } from '../observability/journal-feed.ts';
import { forgetReceived, type Inbox } from '../simulator/journal/inbox.ts';
import { createSteering, type Steering } from '../simulator/steering.ts';
import type { State } from '../state/state.ts';
import { type Basics, present } from './basics.ts';
import type { FileRules } from './file-rules.ts';
import { observeSteering } from './observers.ts';
import { idempotencyTtlOf } from './open-state.ts';

/* The part of the composition root (app.ts) that wires up what testers steer with. */

/** What carries calls out, and what steers them. */
export interface SteeringParts {
  readonly calls: SteeredCalls;
  /** Undefined where nobody may steer. */
  readonly steering: Steering | undefined;
}

function findBehaviorMistakes(json: string): Violations {
  return [...findJsonMistakes(SimulationOptionsSchema, json, paymentFieldHints)];
}

export function buildSteering(
  basics: Basics,
  { payments, steering: store, journal, durable }: State,
  readers: CallReaders,
  checkWebhookUrl: WebhookUrlCheck,
  fileRules: FileRules,
  inbox: Inbox | undefined,
): SteeringParts {
  const { config, machine, clock } = basics;
  if (!config.simulatorApi) {
    return { calls: unsteeredCalls, steering: undefined };
  }
  const observe = observeSteering(basics, [
    ...present(journal && noteResets({ ...basics, append: journal.append })),
    ...present(inbox && forgetReceived(inbox)),
  ]);
  const steering = createSteering({
    store,
    machine,
    // Not the generator of the payments' ids, whose sequence may be reproducible.
    newId: createRandomIds(),
    payments,
    checkWebhookUrl,
    fileRules: fileRules.own,
    magicRules: fileRules.magic,
    seed: config.randomSeed ?? 0,
    randomFailureRate: config.randomFailureRate,
    maxSessions: config.maxSessions,
    idleMs: config.sessionIdleMs,
    idempotencyTtlMs: idempotencyTtlOf(config),
    observe: observe.sessions,
    // What is in Redis is due by the machine's time.
    clocks: durable ? undefined : clock,
  });
  const calls = createSteeredCalls({
    steering,
    payments,
    readers,
    behaviorHeaders,
    readBehavior: (context) => readBehaviorHeaders(readers, context, findBehaviorMistakes),
    machine,
    observe: observe.answers,
  });
  return { calls, steering };
}

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, durationMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import { Code } from '../../../gen/google/rpc/code_pb.js';
import {
  type AwaitRequest,
  type AwaitResponse,
  AwaitResponseSchema,
  type CallFilter,
  type DeliveryFilter,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { invalidField } from '../../payment/errors.ts';
import type { Payments } from '../../payment/ports.ts';
import type { Condition, Waits, Wanted } from '../../simulator/journal/await.ts';
import { cursorOf } from '../../simulator/journal/cursor.ts';
import type { JournalStore } from '../../simulator/journal/ports.ts';
import { bytesOfAttempts } from '../../simulator/journal/entry-bytes.ts';
import type { LoggedDelivery } from '../../simulator/journal/delivery-log.ts';
import { paymentMethods } from '../../simulator/match.ts';
import { scopeOf } from '../../simulator/session.ts';
import { stoppingError } from '../stopping-error.ts';
import { paymentToProto, statusFromProto } from '../payment-v1/payment-messages.ts';
import { callCondition, deliveryCondition, paymentCondition } from './await-conditions.ts';
import {
  channelFromProto,
  deliveryStatusFromProto,
  deliveryToProto,
  entryToProto,
} from './journal-messages.ts';

/** What waiting needs. */
export interface AwaitParts {
  readonly store: JournalStore;
  readonly waits: Waits;
  readonly payments: Pick<Payments, 'get' | 'list'>;
  /** Ends all waiting. */
  readonly stopping: AbortSignal;
}

const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 300_000;

/** Waits for what a request asks for. */
export async function handleAwait(
  parts: AwaitParts,
  request: AwaitRequest,
  sessionId: string,
  context: HandlerContext,
): Promise<AwaitResponse> {
  const { store, payments } = parts;
  const scope = scopeOf(sessionId);
  const wanted = readWanted(request, AbortSignal.any([context.signal, parts.stopping]));
  const what = request.condition?.what ?? { case: undefined };
  switch (what.case) {
    case 'payments': {
      const status = known('condition.payments.status', statusFromProto(what.value.status));
      const condition = paymentCondition(payments, what.value, status, scope);
      return await answer(parts, condition, wanted, (fitting) => ({ payments: fitting.map(paymentToProto) }));
    }
    case 'deliveries': {
      const condition = deliveryCondition(store.journal, what.value, readDelivery(what.value), scope);
      return await answer(parts, condition, wanted, (fitting) => ({
        deliveries: withinBytes(fitting).map(deliveryToProto),
      }));
    }
    case 'calls': {
      checkCalls(what.value);
      const condition = callCondition(store.journal, what.value, scope);
      return await answer(parts, condition, wanted, (fitting) => ({
        calls: fitting.map((placed) => entryToProto(placed, cursorOf(store.journal, placed.position))),
      }));
    }
    case undefined:
      throw invalidField(
        'condition',
        'is required: payments, deliveries or calls, such as {"deliveries": {"status": "DELIVERY_STATUS_DELIVERED"}}',
      );
  }
}

async function answer<T>(
  { waits, stopping }: AwaitParts,
  condition: Condition<T>,
  wanted: Wanted,
  show: (newest: readonly T[]) => MessageInitShape<typeof AwaitResponseSchema>,
): Promise<AwaitResponse> {
  const { isMet, isDecided, count, newest, nearMisses } = await waits.until(condition, wanted);
  if (!isDecided && stopping.aborted) {
    throw stoppingError();
  }
  return create(AwaitResponseSchema, {
    ...show(newest),
    met: isMet,
    observed: count,
    nearMisses: [...nearMisses],
  });
}

function readWanted({ min: givenMin, max, timeout }: AwaitRequest, signal: AbortSignal): Wanted {
  const min = givenMin ?? (max === 0 ? 0 : 1);
  if (min < 0) {
    throw invalidField('min', 'must not be below 0');
  }
  if (max !== undefined && max < min) {
    throw invalidField('max', 'must not be below min, which is 1 unless given');
  }
  return { min, max, timeoutMs: readTimeout(timeout), signal };
}

function readTimeout(timeout: Duration | undefined): number {
  const timeoutMs = timeout === undefined ? defaultTimeoutMs : durationMs(timeout);
  if (!(timeoutMs >= 0 && timeoutMs <= maxTimeoutMs)) {
    throw invalidField('timeout', 'must be from "0s" to "300s"; "10s" unless given');
  }
  return timeoutMs;
}

function readDelivery(filter: DeliveryFilter) {
  if (filter.minAttempts < 0) {
    throw invalidField('condition.deliveries.min_attempts', 'must not be below 0');
  }
  return {
    channel: known('condition.deliveries.channel', channelFromProto(filter.channel)),
    status: known('condition.deliveries.status', deliveryStatusFromProto(filter.status)),
    paymentStatus: known('condition.deliveries.payment_status', statusFromProto(filter.paymentStatus)),
  };
}

function known<Name extends string>(field: string, name: Name | undefined | 'unknown'): Name | undefined {
  if (name === 'unknown') {
    throw invalidField(field, 'must be one that the contract has, or not given for any');
  }
  return name;
}

/** What would never fit. */
function checkCalls({ method, code }: CallFilter): void {
  if (method !== '' && paymentMethods.every((name) => name !== method)) {
    throw invalidField('condition.calls.method', `must be one of ${paymentMethods.join(', ')}`);
  }
  if (code !== undefined && Code[code] === undefined) {
    throw invalidField('condition.calls.code', 'must be a code of google.rpc.Code, such as UNAVAILABLE');
  }
}

/** As much as clients of gRPC take; the first one in any case. */
function withinBytes(deliveries: readonly LoggedDelivery[]): readonly LoggedDelivery[] {
  let bytes = 0;
  return deliveries.filter((delivery, index) => {
    bytes += bytesOfAttempts(delivery);
    return index === 0 || bytes <= maxBytes;
  });
}

/** Of attempts, in an answer. */
const maxBytes = 1_048_576;

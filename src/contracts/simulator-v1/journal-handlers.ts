import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  ListDeliveriesResponseSchema,
  type ResendDeliveriesRequest,
  ResendDeliveriesResponseSchema,
  type SimulatorService as SimulatorServiceDescriptor,
  type WatchFilter,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { invalidField } from '../../payment/errors.ts';
import { requireId, throwIfAny, type Violations } from '../../payment/violations.ts';
import { checkedPaymentId, limitOf, maxPageBytes } from './page-request.ts';
import { cursorOf } from '../../simulator/journal/cursor.ts';
import type { DeliveryFilter, DeliveryPosition } from '../../simulator/journal/delivery-log.ts';
import type { ToldEntry } from '../../simulator/journal/entry.ts';
import type { Resend, ResendInput } from '../../simulator/journal/resend.ts';
import type { Watches } from '../../simulator/journal/watch.ts';
import { isInScope, scopeOf } from '../../simulator/session.ts';
import type { CallReaders } from '../call-readers.ts';
import { behaviorFromProto } from '../payment-v1/simulation-messages.ts';
import { type AwaitParts, handleAwait } from './await-handler.ts';
import { stoppingError } from '../stopping-error.ts';
import {
  deliveryHeadToProto,
  deliveryStatusFromProto,
  deliveryToProto,
  kindFromProto,
  watchedToProto,
} from './journal-messages.ts';

type Handlers = ServiceImpl<typeof SimulatorServiceDescriptor>;

/** What testers look at. */
export interface JournalParts extends AwaitParts {
  readonly resend: Resend;
  readonly watches: Watches;
  readonly readers: Pick<CallReaders, 'dropCall'>;
}

type SessionOf = (context: HandlerContext, allowAll?: boolean) => string;

/** Of the deliveries in an answer to ResendDeliveries. */
const maxResent = 1_000;

/** The handlers for what has happened. */
export function createJournalHandlers(
  parts: JournalParts,
  sessionOf: SessionOf,
): Pick<Handlers, 'listDeliveries' | 'resendDeliveries' | 'await' | 'watch'> {
  const { store, resend, watches, stopping, readers } = parts;
  return {
    async listDeliveries({ paymentIntentId: paymentId, status, pageSize, pageToken }, context) {
      const filter: DeliveryFilter = {
        // Ids are global, whichever session asks.
        ...(paymentId === ''
          ? { sessionId: scopeOf(sessionOf(context, true)) }
          : { paymentId: checkedPaymentId(paymentId) }),
        ...statusFilter(status),
      };
      const limit = limitOf(pageSize);
      const from = readPageToken(pageToken);
      await store.refresh();
      const { deliveries, next } = store.journal.deliveries.list(filter, from, {
        deliveries: limit,
        bytes: maxPageBytes,
      });
      return create(ListDeliveriesResponseSchema, {
        deliveries: deliveries.map(deliveryToProto),
        nextPageToken: next === undefined ? '' : `${next.payment}.${next.delivery}`,
      });
    },

    async resendDeliveries(request, context) {
      const which = whichOf(request, () => sessionOf(context, true));
      const simulation = request.simulation && behaviorFromProto(request.simulation);
      const resent = await resend({ which, simulation, dryRun: request.dryRun });
      return create(ResendDeliveriesResponseSchema, {
        deliveries: resent.slice(0, maxResent).map(deliveryHeadToProto),
        total: resent.length,
      });
    },

    await: (request, context) => handleAwait(parts, request, sessionOf(context, true), context),

    async *watch({ cursor, filter, maxPerSecond: most }, context) {
      const maxPerSecond = checkedRate(most);
      const signal = AbortSignal.any([context.signal, stopping]);
      const fits = fitsOf(filter, scopeOf(sessionOf(context, true)));
      const drop = () => readers.dropCall(context);
      for await (const watched of watches.open({ cursor, fits, maxPerSecond, signal, drop })) {
        yield watchedToProto(watched, (position) => cursorOf(store.journal, position));
      }
      if (stopping.aborted) {
        throw stoppingError();
      }
    },
  };
}

function statusFilter(number: number): DeliveryFilter {
  const status = deliveryStatusFromProto(number);
  if (status === 'unknown') {
    throw invalidField(
      'status',
      'must be DELIVERY_STATUS_WAITING (1), _DELIVERED (2), _GIVEN_UP (3) or _SIMULATED (4), or not given for any',
    );
  }
  return status === undefined ? {} : { status };
}

function readPageToken(token: string): DeliveryPosition | undefined {
  if (token === '') {
    return undefined;
  }
  const [, payment, delivery] = /^(\d{1,15})\.(\d{1,15})$/.exec(token) ?? [];
  if (payment === undefined) {
    throw invalidField('page_token', 'must be the next_page_token of an answer, or empty for the first page');
  }
  return { payment: Number(payment), delivery: Number(delivery) };
}

function whichOf({ which }: ResendDeliveriesRequest, sessionOf: () => string): ResendInput['which'] {
  switch (which.case) {
    case 'eventId':
      return { kind: 'event', eventId: checkedText(which.value, 'event_id') };
    case 'paymentIntentId':
      return { kind: 'payment', paymentId: checkedPaymentId(which.value) };
    case 'givenUpSince': {
      return { kind: 'given-up', sinceMs: timestampMs(which.value), sessionId: scopeOf(sessionOf()) };
    }
    case undefined:
      throw invalidField(
        'which',
        'is required: event_id, payment_intent_id, or given_up_since such as "2026-01-01T00:00:00Z"',
      );
  }
}

function checkedText(text: string, field: string): string {
  const violations: Violations = [];
  requireId(violations, field, text);
  throwIfAny(violations);
  return text;
}

function fitsOf(filter: WatchFilter | undefined, scope: string | undefined): (entry: ToldEntry) => boolean {
  const paymentId = filter?.paymentIntentId ?? '';
  const kinds = new Set((filter?.kinds ?? []).map(checkedKind));
  return (entry) =>
    (paymentId !== '' || isInScope(entry.sessionId, scope)) &&
    (paymentId === '' || entry.paymentId === paymentId) &&
    (kinds.size === 0 || kinds.has(entry.kind));
}

/** More would make messages larger than clients of gRPC take. */
const maxSample = 500;

/** Undefined: no bound. */
function checkedRate(maxPerSecond: number): number | undefined {
  if (maxPerSecond < 0) {
    throw invalidField('max_per_second', 'must not be below 0; 0 is all');
  }
  return maxPerSecond === 0 ? undefined : Math.min(maxPerSecond, maxSample);
}

function checkedKind(number: number) {
  const kind = kindFromProto(number);
  if (kind === undefined || kind === 'unknown') {
    throw invalidField(
      'filter.kinds',
      'must be ENTRY_KIND_CALL (1), _TRANSITION (2) or _DELIVERY (3); leave it out for all',
    );
  }
  return kind;
}

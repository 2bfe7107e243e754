import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  ListReceivedResponseSchema,
  type ReceivedWebhookSchema,
  type SimulatorService as SimulatorServiceDescriptor,
} from '../../../gen/simulator/v1/simulator_pb.js';
import type { Inbox, ReceivedFilter, ReceivedWebhook } from '../../simulator/journal/inbox.ts';
import { scopeOf } from '../../simulator/session.ts';
import { checkedPaymentId, limitOf, maxPageBytes } from './page-request.ts';

/** The built-in receiver. */
export interface ReceivedParts {
  readonly inbox: Inbox;
  /** What to give as a webhook_url; known once the service listens. */
  readonly address: () => string;
}

/** The handler for what came to the built-in receiver. */
export function createReceivedHandler(
  { inbox, address }: ReceivedParts,
  sessionOf: (context: HandlerContext, allowAll?: boolean) => string,
): Pick<ServiceImpl<typeof SimulatorServiceDescriptor>, 'listReceived'> {
  return {
    listReceived({ paymentIntentId: paymentId, pageSize }, context) {
      // Ids are global, whichever session asks.
      const filter: ReceivedFilter =
        paymentId === ''
          ? { sessionId: scopeOf(sessionOf(context, true)) }
          : { paymentId: checkedPaymentId(paymentId) };
      const { webhooks, total } = inbox.list(filter, { webhooks: limitOf(pageSize), bytes: maxPageBytes });
      return create(ListReceivedResponseSchema, {
        webhooks: webhooks.map(receivedToProto),
        total: BigInt(total),
        address: address(),
      });
    },
  };
}

function receivedToProto(webhook: ReceivedWebhook): MessageInitShape<typeof ReceivedWebhookSchema> {
  const { number, atMs, path, headers, body, problem, eventId, paymentId, sessionId, statusCode } = webhook;
  return {
    number: BigInt(number),
    receivedAt: timestampFromMs(atMs),
    path,
    headers: { ...headers },
    body,
    verified: problem === undefined,
    problem: problem ?? '',
    eventId,
    paymentIntentId: paymentId,
    sessionId,
    statusCode,
  };
}

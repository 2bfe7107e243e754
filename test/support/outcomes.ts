import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { createEventBridgeServer } from '../../dev/eventbridge-server.ts';
import { parseDetail } from '../../dev/put-events.ts';

/** What arrived of one payment. */
export interface Outcome {
  readonly webhooks: number;
  readonly events: number;
  /** Of all deliveries on both channels: one, when all is well. */
  readonly eventIds: ReadonlySet<string>;
  readonly statuses: ReadonlySet<string>;
  readonly reservationId: string;
}

/** Which way an outcome came. */
export type OutcomeChannel = 'webhook' | 'event';

/** How a delivery is answered. */
export type OutcomeAnswer = 'take' | 'refuse' | 'gone';

/** One attempt, as it arrived. */
export interface OutcomeDelivery {
  readonly channel: OutcomeChannel;
  readonly paymentId: string;
  readonly reservationId: string;
  readonly eventId: string;
  /** The number of the event within its payment. */
  readonly sequence: number;
  readonly status: string;
}

/** A webhook receiver and an EventBridge endpoint that count what they get, by payment. */
export interface Outcomes {
  readonly webhookUrl: string;
  /** Leads a service's events here. */
  readonly env: Readonly<Record<string, string>>;
  /** By payment id. */
  readonly received: ReadonlyMap<string, Outcome>;
  /** Called when a payment has arrived on both channels, for each delivery from then on. */
  onComplete(listener: (paymentId: string) => void): void;
  /** Resolves when all these payments have arrived on both channels. @throws when they have not in time. */
  whenComplete(paymentIds: Iterable<string>, withinMs: number): Promise<void>;
  /** How many of all that arrived more than once, by channel. */
  countDuplicates(): Readonly<Record<OutcomeChannel, number>>;
  /**
   * Called for each delivery, which is answered as it says: refused deliveries do not count, and a
   * webhook that is `'gone'` is refused for good.
   */
  answer: ((delivery: OutcomeDelivery) => OutcomeAnswer) | undefined;
}

const refusal = { ErrorCode: 'InternalFailure', ErrorMessage: 'refused by the test' };
/** Not a 5xx, which would have the sender leave us alone for a while. */
const httpStatuses = { take: 204, refuse: 400, gone: 410 } as const;
const busName = 'ticket-reservation-events';

interface Counted {
  webhooks: number;
  events: number;
  readonly eventIds: Set<string>;
  readonly statuses: Set<string>;
  readonly reservationId: string;
}

/** Starts both on loopback; they stop when the test is finished. */
export async function startOutcomes(): Promise<Outcomes> {
  const received = new Map<string, Counted>();
  const listeners = new Set<(paymentId: string) => void>();

  function take(channel: OutcomeChannel, message: Readonly<Record<string, unknown>>): OutcomeAnswer {
    const delivery: OutcomeDelivery = {
      channel,
      paymentId: String(message['payment_id']),
      reservationId: String(message['reservation_id']),
      eventId: String(message['event_id']),
      sequence: Number(message['sequence']),
      status: String(message['status']),
    };
    const answer = outcomes.answer?.(delivery) ?? 'take';
    if (answer === 'take') {
      count(delivery);
    }
    return answer;
  }

  function count({ channel, paymentId, reservationId, eventId, status }: OutcomeDelivery): void {
    let counted = received.get(paymentId);
    if (counted === undefined) {
      counted = { webhooks: 0, events: 0, eventIds: new Set(), statuses: new Set(), reservationId };
      received.set(paymentId, counted);
    }
    counted[channel === 'webhook' ? 'webhooks' : 'events'] += 1;
    counted.eventIds.add(eventId);
    counted.statuses.add(status);
    if (counted.webhooks > 0 && counted.events > 0) {
      for (const listener of listeners) {
        listener(paymentId);
      }
    }
  }

  function answerWebhook(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      response.writeHead(httpStatuses[take('webhook', parseDetail(body) ?? {})]).end();
    });
    // The sender may be killed while it sends.
    request.on('error', () => undefined);
  }

  const webhooks = createServer({ keepAliveTimeout: 60_000 }, answerWebhook);
  await new Promise<void>((resolve) => {
    webhooks.listen(0, '127.0.0.1', resolve);
  });
  const eventBridge = createEventBridgeServer({
    region: 'ap-northeast-2',
    buses: [{ name: busName, rules: [] }],
    queueUrls: new Map(),
    targets: { deliver: () => undefined, settled: () => Promise.resolve() },
    logger: pino({ level: 'silent' }),
    onPutEvents: (entries) =>
      entries.map(({ Detail: detail }) =>
        take('event', parseDetail(detail ?? '') ?? {}) === 'take' ? undefined : refusal,
      ),
  });
  const eventBridgeUrl = await eventBridge.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    webhooks.closeAllConnections();
    webhooks.close();
    await eventBridge.close();
  });

  const outcomes: Outcomes = {
    webhookUrl: `http://127.0.0.1:${(webhooks.address() as AddressInfo).port}/webhooks`,
    env: {
      EVENTBRIDGE: 'on',
      EVENT_BUS_NAME: busName,
      AWS_ENDPOINT_URL_EVENTBRIDGE: eventBridgeUrl,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    received,
    onComplete: (listener) => void listeners.add(listener),
    async whenComplete(paymentIds, withinMs) {
      const missing = new Set(paymentIds);
      for (const [paymentId, { webhooks: some, events }] of received) {
        if (some > 0 && events > 0) {
          missing.delete(paymentId);
        }
      }
      await new Promise<void>((resolve, reject) => {
        const timeout = setTimeout(() => {
          const sample = [...missing].slice(0, 5).map((id) => `${id}: ${describe(received.get(id))}`);
          reject(new Error(`${missing.size} payments did not arrive:\n${sample.join('\n')}`));
        }, withinMs);
        function check(paymentId?: string): void {
          missing.delete(paymentId ?? '');
          if (missing.size === 0) {
            clearTimeout(timeout);
            listeners.delete(check);
            resolve();
          }
        }
        listeners.add(check);
        check();
      });
    },
    countDuplicates() {
      const again = { webhook: 0, event: 0 };
      for (const outcome of received.values()) {
        again.webhook += Math.max(0, outcome.webhooks - 1);
        again.event += Math.max(0, outcome.events - 1);
      }
      return again;
    },
    answer: undefined,
  };
  return outcomes;
}

function describe(outcome: Counted | undefined): string {
  return outcome === undefined
    ? 'nothing'
    : `${outcome.webhooks} webhooks, ${outcome.events} events, ids ${[...outcome.eventIds].join(' ')}`;
}

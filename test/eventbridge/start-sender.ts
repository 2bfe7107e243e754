import { onTestFinished } from 'vitest';
import { readAwsConfig } from '../../src/aws/aws-config.ts';
import { systemClock } from '../../src/base/clock.ts';
import { EnvironmentReader } from '../../src/base/env/config-reader.ts';
import { combineObservers } from '../../src/base/observer.ts';
import { createCustody } from '../../src/delivery/custody.ts';
import type { DeadLetter } from '../../src/delivery/dead-letter.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import { loadEventBridge } from '../../src/delivery/eventbridge/client.ts';
import { readEventBridgeConfig } from '../../src/delivery/eventbridge/config.ts';
import { createEventBridgeSender, type EventBridgeSender } from '../../src/delivery/eventbridge/sender.ts';
import { countEventBridge } from '../../src/observability/delivery-counts.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createMemoryDeliveryQueue } from '../../src/state/memory/delivery-queue.ts';
import { sampleEvent } from '../support/sample-payment.ts';

/** The sender with the real SDK client, and what it gave up. */
export interface RunningSender {
  readonly sender: EventBridgeSender;
  readonly letters: readonly DeadLetter[];
  /** Hands over events `evt-<from>` to `evt-<from + count - 1>`. */
  readonly accept: (count: number, from?: number) => void;
  readonly open: () => void;
  /** The values of a counter by its one label. */
  readonly counts: (name: string) => Promise<Record<string, number>>;
  /** Resolves when `count` events have ended, in whichever way. */
  readonly ended: (count: number) => Promise<void>;
}

/** A sender to `url`, opened unless `opened` is false; its retries come within milliseconds. */
export async function startSender(
  url: string,
  env: Readonly<Record<string, string>> = {},
  opened = true,
  drainsRetries = true,
): Promise<RunningSender> {
  const read = new EnvironmentReader({
    AWS_ENDPOINT_URL: url,
    EVENTBRIDGE_BATCH_WAIT_MS: '5',
    // Long enough for a busy machine: an event of a call that timed out is sent again.
    EVENTBRIDGE_TIMEOUT_MS: '60000',
    EVENTBRIDGE_RETRY_BASE_MS: '2',
    EVENTBRIDGE_RETRY_MAX_MS: '20',
    ...env,
  });
  const config = readEventBridgeConfig(read);
  const metrics = createMetrics();
  const letters: DeadLetter[] = [];
  const observe = combineObservers([countEventBridge(metrics)], (error) => {
    throw error;
  });
  const parts = { machine: systemClock, random: Math.random, observe };
  const queue = createMemoryDeliveryQueue<Delivery>({
    clock: systemClock,
    maxWaiting: Infinity,
    maxWaitingPerOrigin: Infinity,
    originOf: () => '',
  });
  const custody = createCustody({
    ...parts,
    channel: 'eventbridge',
    durable: false,
    maxSlowAttempts: 100,
    queue,
    deadLetterQueue: { send: (letter) => void letters.push(letter), drain: async () => undefined },
    urlOf: () => undefined,
    origins: undefined,
  });
  const sender = createEventBridgeSender({ ...parts, config, queue, custody, drainsRetries });
  sender.start();
  const api = await loadEventBridge({
    aws: readAwsConfig(read),
    credentials: { kind: 'keys', keys: { accessKeyId: 'test', secretAccessKey: 'test' } },
    timeoutMs: config.timeoutMs,
    maxInFlight: config.maxInFlight,
  });
  onTestFinished(async () => {
    await sender.drain(0);
    api.close();
  });
  const running: RunningSender = {
    sender,
    letters,
    accept(count, from = 0) {
      for (let number = from; number < from + count; number += 1) {
        void sender.accept(sampleEvent({ id: `pay-${number}`, eventId: `evt-${number}` }));
      }
    },
    open: () => sender.open(api.putEvents),
    async counts(name) {
      const metric = await metrics.registry.getSingleMetric(name)?.get();
      return Object.fromEntries(
        (metric?.values ?? []).map(({ labels, value }) => [String(Object.values(labels)[0]), value]),
      );
    },
    async ended(count) {
      for (let total = 0; total < count; await nextTurn()) {
        const outcomes = await running.counts('eventbridge_events_total');
        total = Object.values(outcomes).reduce((a, b) => a + b, 0);
      }
    },
  };
  if (opened) {
    running.open();
  }
  return running;
}

/** `evt-<from>` to `evt-<from + count - 1>`, sorted as text. */
export function eventIds(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `evt-${from + index}`).toSorted();
}

/** Lets input and output go on. */
export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

import { setTimeout as delay } from 'node:timers/promises';
import { ChangeMessageVisibilityBatchCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import type { MachineClock } from '../base/clock.ts';
import { within } from '../base/within.ts';
import type { Logger } from '../observability/logger.ts';
import type { MessageHandler } from './message-handler.ts';
import { messageAttributes, toQueueMessage } from './queue-message.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

interface QueuePollerDeps {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** How many batches of up to ten messages may be handled at the same time. */
  readonly pollers: number;
  /** How long one poll waits for messages, 1 to 20 seconds. */
  readonly waitSeconds: number;
  /** How long received messages stay hidden; renewed every third of it while they are handled. */
  readonly visibilitySeconds: number;
  readonly handle: MessageHandler;
  readonly clock: MachineClock;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
}

/** Receives messages, has them handled, and deletes those that were. */
export interface QueuePoller {
  start(): void;
  /**
   * Receives no more and resolves when the batches that were received are handled and deleted. What is
   * still being handled after `graceMs` (milliseconds) is given up and stays in the queue.
   */
  stop(graceMs: number): Promise<void>;
  /** Why nothing can be received, or undefined. */
  unreadyReason(): string | undefined;
}

/** SQS's longest visibility timeout, in seconds. */
const maxVisibilitySeconds = 43_200;
/** The wait after a failed poll, in milliseconds: twice this after the first, doubled by every further one. */
const basePauseMs = 250;
const maxPauseMs = 15_000;
/** One bad moment fails the polls of all pollers at once, and is no reason to be taken out of service. */
const failuresUntilUnready = 3;
/** After the grace, for the deletes of what was handled within it; and for the answer to a poll; in milliseconds. */
const lastCallsMs = 1_000;

interface PollerState {
  readonly deps: QueuePollerDeps;
  /** No more polls. */
  readonly stopping: AbortController;
  /** What is being handled is given up. */
  readonly givingUp: AbortController;
  readonly pollers: Poller[];
}

interface Poller {
  readonly consumer: Consumer;
  /** Failed polls in a row. */
  failures: number;
  /** Whether a poll waits for its answer. */
  isReceiving: boolean;
  lastError: string;
}

/** A message that stays in the queue, hidden for `delayMs` milliseconds. */
interface PostponedMessage {
  readonly message: Message;
  readonly delayMs: number;
}

/** See `QueuePoller`. */
export function createQueuePoller(deps: QueuePollerDeps): QueuePoller {
  for (const operation of ['receive', 'other']) {
    deps.metrics.queueErrors.inc({ operation }, 0);
  }
  const self: PollerState = {
    deps,
    stopping: new AbortController(),
    givingUp: new AbortController(),
    pollers: [],
  };
  for (let number = 0; number < deps.pollers; number += 1) {
    self.pollers.push(createPoller(self));
  }
  return {
    start() {
      for (const { consumer } of self.pollers) {
        consumer.start();
      }
    },
    stop: (graceMs) => stopPollers(self, graceMs),
    unreadyReason: () =>
      self.pollers.every(({ failures }) => failures >= failuresUntilUnready)
        ? `the queue cannot be read: ${self.pollers[0]?.lastError}`
        : undefined,
  };
}

function createPoller(self: PollerState): Poller {
  const { client, queueUrl, waitSeconds, visibilitySeconds, logger, metrics } = self.deps;
  const consumer = Consumer.create({
    queueUrl,
    sqs: client,
    batchSize: 10,
    waitTimeSeconds: waitSeconds,
    visibilityTimeout: visibilitySeconds,
    heartbeatInterval: visibilitySeconds / 3,
    messageSystemAttributeNames: [...messageAttributes],
    suppressFifoWarning: true,
    authenticationErrorTimeout: 0,
    handleMessageBatch: (messages) => handleBatch(self, messages),
    async preReceiveMessageCallback() {
      await pauseAfterFailures(self, poller);
      poller.isReceiving = true;
    },
    async postReceiveMessageCallback() {
      poller.isReceiving = false;
      if (poller.failures > 0) {
        poller.failures = 0;
        tellIfReadAgain(self);
      }
    },
  });
  const poller: Poller = { consumer, failures: 0, isReceiving: false, lastError: '' };
  consumer.on('error', (error, about) => {
    if (about === undefined) {
      onReceiveError(self, poller, error);
    } else {
      metrics.queueErrors.inc({ operation: 'other' });
      logger.warn({ error: error.message }, 'Queue call failed');
    }
  });
  return poller;
}

/** Resolves with the messages to delete. */
async function handleBatch(self: PollerState, messages: readonly Message[]): Promise<Message[]> {
  const { clock, handle } = self.deps;
  const receivedAtMs = clock.now();
  const handled: Message[] = [];
  const postponed: PostponedMessage[] = [];
  await Promise.all(
    messages.map(async (message) => {
      const verdict = await handle(toQueueMessage(message, receivedAtMs), self.givingUp.signal);
      if (verdict.action === 'delete') {
        handled.push(message);
      } else {
        postponed.push({ message, delayMs: verdict.delayMs });
      }
    }),
  );
  if (postponed.length > 0) {
    await postpone(self.deps, postponed);
  }
  return handled;
}

async function postpone(
  { client, queueUrl, logger, metrics }: QueuePollerDeps,
  messages: readonly PostponedMessage[],
): Promise<void> {
  const Entries = messages.map(({ message, delayMs }, index) => ({
    Id: String(index),
    ReceiptHandle: message.ReceiptHandle,
    VisibilityTimeout: Math.min(Math.ceil(delayMs / 1000), maxVisibilitySeconds),
  }));
  try {
    await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
  } catch (error) {
    // The messages become visible anyway, when the visibility timeout of their receive ends.
    metrics.queueErrors.inc({ operation: 'other' });
    logger.warn({ error: String(error) }, 'Visibility not changed');
  }
}

/** Exponential back-off between failed polls; the consumer by itself would poll again at once. */
async function pauseAfterFailures({ stopping }: PollerState, { failures }: Poller): Promise<void> {
  if (failures > 0) {
    const pauseMs = Math.min(basePauseMs * 2 ** Math.min(failures, 10), maxPauseMs);
    await delay(pauseMs, undefined, { signal: stopping.signal });
  }
}

function tellIfReadAgain({ deps, pollers }: PollerState): void {
  if (pollers.every(({ failures }) => failures === 0)) {
    deps.logger.info('Queue read again');
  }
}

function onReceiveError(self: PollerState, poller: Poller, { message: error }: Error): void {
  poller.isReceiving = false;
  // The aborted pause of `pauseAfterFailures` ends up here as well.
  if (self.stopping.signal.aborted) {
    return;
  }
  const { logger, metrics } = self.deps;
  poller.failures += 1;
  poller.lastError = error;
  metrics.queueErrors.inc({ operation: 'receive' });
  logger.error({ error, failures: poller.failures }, 'Queue not read, to be tried again');
}

async function stopPollers(self: PollerState, graceMs: number): Promise<void> {
  const { clock, logger } = self.deps;
  self.stopping.abort();
  const idle = Promise.all(self.pollers.map((poller) => stopPoller(self, poller)));
  if (!(await within(clock, graceMs, idle))) {
    logger.warn('Out of time: what is being handled stays in the queue');
    self.givingUp.abort();
    await within(clock, lastCallsMs, idle);
  }
}

/**
 * Not with `abort`: it would cancel the deletes of handled messages as well, and a poll that SQS is answering,
 * whose messages would stay hidden until their visibility timeout ends. A poll that takes longer than SQS lets
 * one wait is not answered any more, and brings nothing.
 */
async function stopPoller({ deps }: PollerState, poller: Poller): Promise<void> {
  poller.consumer.stop();
  const idle = untilIdle(poller.consumer);
  if (poller.isReceiving) {
    const waitMs = poller.failures > 0 ? 0 : deps.waitSeconds * 1_000;
    await within(deps.clock, waitMs + lastCallsMs, idle);
  }
  if (!poller.isReceiving) {
    await idle;
  }
}

/** Resolves when the consumer neither polls nor handles nor deletes; it must have been stopped. */
async function untilIdle(consumer: Consumer): Promise<void> {
  while (consumer.status.isPolling) {
    await new Promise<void>((resolve) => {
      // One of these ends every poll, a few promises before `isPolling` says so.
      for (const end of ['response_processed', 'empty', 'error'] as const) {
        consumer.once(end, () => setImmediate(resolve));
      }
    });
  }
}

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
/** A single failed poll is no reason to be taken out of service; so many in a row are. */
const failuresUntilUnready = 3;
/** After the grace, for the deletes of what was handled within it, in milliseconds. */
const lastDeletesMs = 1_000;

interface PollerState {
  readonly deps: QueuePollerDeps;
  /** No more polls. */
  readonly stopping: AbortController;
  /** What is being handled is given up. */
  readonly givingUp: AbortController;
  /** Failed polls in a row, of all consumers. */
  failuresInARow: number;
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
    failuresInARow: 0,
  };
  const consumers = Array.from({ length: deps.pollers }, () => createConsumer(self));
  return {
    start() {
      for (const consumer of consumers) {
        consumer.start();
      }
    },
    stop: (graceMs) => stopConsumers(self, consumers, graceMs),
    unreadyReason: () =>
      self.failuresInARow >= failuresUntilUnready ? 'the queue cannot be read' : undefined,
  };
}

function createConsumer(self: PollerState): Consumer {
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
    preReceiveMessageCallback: () => pauseAfterFailures(self),
    async postReceiveMessageCallback() {
      if (self.failuresInARow > 0) {
        logger.info('Queue read again');
      }
      self.failuresInARow = 0;
    },
  });
  consumer.on('error', (error, about) => {
    if (about === undefined) {
      onReceiveError(self, error);
    } else {
      metrics.queueErrors.inc({ operation: 'other' });
      logger.warn({ error: error.message }, 'Queue call failed');
    }
  });
  return consumer;
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
async function pauseAfterFailures({ failuresInARow, stopping }: PollerState): Promise<void> {
  if (failuresInARow > 0) {
    const pauseMs = Math.min(basePauseMs * 2 ** Math.min(failuresInARow, 10), maxPauseMs);
    await delay(pauseMs, undefined, { signal: stopping.signal });
  }
}

function onReceiveError(self: PollerState, error: Error): void {
  // The aborted pause of `pauseAfterFailures` ends up here as well.
  if (self.stopping.signal.aborted) {
    return;
  }
  const { logger, metrics } = self.deps;
  self.failuresInARow += 1;
  metrics.queueErrors.inc({ operation: 'receive' });
  logger.error({ error: error.message, failures: self.failuresInARow }, 'Queue not read, to be tried again');
}

async function stopConsumers(
  self: PollerState,
  consumers: readonly Consumer[],
  graceMs: number,
): Promise<void> {
  const { clock, logger } = self.deps;
  self.stopping.abort();
  for (const consumer of consumers) {
    // Not with `abort`: it would cancel the deletes of handled messages as well, and a poll that SQS is
    // answering, whose messages would stay hidden until their visibility timeout ends.
    consumer.stop();
  }
  const idle = Promise.all(consumers.map(untilIdle));
  if (!(await within(clock, graceMs, idle))) {
    logger.warn('Out of time: what is being handled stays in the queue');
    self.givingUp.abort();
    await within(clock, lastDeletesMs, idle);
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

import { setTimeout as delay } from 'node:timers/promises';
import { ChangeMessageVisibilityBatchCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import type { MachineClock } from '../base/clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { MessageHandler } from './message-handler.ts';
import { messageAttributes, toQueueMessage } from './queue-message.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

/** What the poller works with. */
export interface QueuePollerDeps {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** How many batches of up to ten messages may be in hand at the same time. */
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
   * Receives no more and resolves when the batches in hand are handled and deleted. What is still
   * being handled at `untilMs` (milliseconds since the epoch) is given up and stays in the queue.
   */
  stop(untilMs: number): Promise<void>;
  /** Why nothing can be received, or undefined. */
  unreadyReason(): string | undefined;
}

/** SQS's longest visibility timeout, in seconds. */
const maxVisibilitySeconds = 43_200;
/** The longest wait between polls while SQS cannot be reached, in milliseconds. */
const maxPauseMs = 15_000;
/** One failed poll may be chance; so many in a row are not. */
const failuresUntilUnready = 3;
/** For what has been handled when time is up to be deleted still, in milliseconds. */
const lastDeletesMs = 1_000;

/** See `QueuePoller`. */
export function createQueuePoller(deps: QueuePollerDeps): QueuePoller {
  const { client, queueUrl, clock, logger, metrics } = deps;
  for (const operation of ['receive', 'other']) {
    metrics.queueErrors.inc({ operation }, 0);
  }
  const giveUp = new AbortController();
  const stopping = new AbortController();
  let failuresInARow = 0;

  async function handleBatch(messages: readonly Message[]): Promise<Message[]> {
    const receivedAtMs = clock.now();
    const handled: Message[] = [];
    const postponed: { readonly message: Message; readonly delayMs: number }[] = [];
    await Promise.all(
      messages.map(async (message) => {
        const verdict = await deps.handle(toQueueMessage(message, receivedAtMs), giveUp.signal);
        if (verdict.action === 'delete') {
          handled.push(message);
        } else {
          postponed.push({ message, delayMs: verdict.delayMs });
        }
      }),
    );
    if (postponed.length > 0) {
      await postpone(postponed);
    }
    return handled;
  }

  async function postpone(
    messages: readonly { readonly message: Message; readonly delayMs: number }[],
  ): Promise<void> {
    const Entries = messages.map(({ message, delayMs }, index) => ({
      Id: String(index),
      ReceiptHandle: message.ReceiptHandle,
      VisibilityTimeout: Math.min(Math.ceil(delayMs / 1000), maxVisibilitySeconds),
    }));
    try {
      await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
    } catch (error) {
      // They come back all the same, when their visibility timeout ends.
      metrics.queueErrors.inc({ operation: 'other' });
      logger.warn({ error: String(error) }, 'Visibility not changed');
    }
  }

  /** Waits longer from failure to failure; the consumer by itself would poll again at once. */
  async function pauseAfterFailures(): Promise<void> {
    if (failuresInARow > 0) {
      const pauseMs = Math.min(250 * 2 ** Math.min(failuresInARow, 10), maxPauseMs);
      await delay(pauseMs, undefined, { signal: stopping.signal });
    }
  }

  function createConsumer(): Consumer {
    const consumer = Consumer.create({
      queueUrl,
      sqs: client,
      batchSize: 10,
      waitTimeSeconds: deps.waitSeconds,
      visibilityTimeout: deps.visibilitySeconds,
      heartbeatInterval: deps.visibilitySeconds / 3,
      messageSystemAttributeNames: [...messageAttributes],
      suppressFifoWarning: true,
      authenticationErrorTimeout: 0,
      handleMessageBatch: handleBatch,
      preReceiveMessageCallback: pauseAfterFailures,
      async postReceiveMessageCallback() {
        if (failuresInARow > 0) {
          logger.info('Queue read again');
        }
        failuresInARow = 0;
      },
    });
    consumer.on('error', (error, about) => {
      if (about === undefined) {
        onReceiveError(error);
      } else {
        metrics.queueErrors.inc({ operation: 'other' });
        logger.warn({ error: error.message }, 'Queue call failed');
      }
    });
    return consumer;
  }

  function onReceiveError(error: Error): void {
    if (stopping.signal.aborted) {
      return;
    }
    failuresInARow += 1;
    metrics.queueErrors.inc({ operation: 'receive' });
    logger.error({ error: error.message, failures: failuresInARow }, 'Queue not read, to be tried again');
  }

  const consumers = Array.from({ length: deps.pollers }, createConsumer);

  return {
    start() {
      for (const consumer of consumers) {
        consumer.start();
      }
    },

    async stop(untilMs) {
      stopping.abort();
      for (const consumer of consumers) {
        // Without `abort`, which would break off the deletes of the batch in hand as well, and a poll
        // that SQS is just answering, hiding its messages for nothing.
        consumer.stop();
      }
      const idle = Promise.all(consumers.map(untilIdle));
      if (await isLate(idle, untilMs - clock.now())) {
        logger.warn('Out of time: what is being handled stays in the queue');
        giveUp.abort();
        await isLate(idle, lastDeletesMs);
      }
    },

    unreadyReason: () => (failuresInARow >= failuresUntilUnready ? 'the queue cannot be read' : undefined),
  };

  /** Whether `work` takes longer than `withinMs`. */
  async function isLate(work: Promise<unknown>, withinMs: number): Promise<boolean> {
    const late = Promise.withResolvers<true>();
    const timer = clock.setTimer(Math.max(0, withinMs), () => late.resolve(true));
    try {
      return await Promise.race([work.then(() => false), late.promise]);
    } finally {
      timer.cancel();
    }
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

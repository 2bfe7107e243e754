import type { Clock } from '../../base/clock.ts';
import { Fifo } from '../../base/fifo.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { RandomSource } from '../../base/random.ts';
import type { DeadLetterQueue, UndeliveredEvent } from './dead-letter.ts';
import { type DeadLetterMessage, toDeadLetterMessage } from './sqs-message.ts';
import { takeBatch } from '../batch.ts';
import type { EntryAddress } from '../eventbridge/entry.ts';
import { classifyCallError } from '../../aws/failures.ts';
import { decideRetry, type RetryOptions } from '../retry-policy.ts';

/**
 * Sends up to ten messages in one call; resolves with the failures by position, rejects when the
 * call as a whole failed.
 */
export type SendMessages = (messages: readonly DeadLetterMessage[]) => Promise<readonly MessageFailure[]>;

/** One message that SQS did not take. */
export interface MessageFailure {
  readonly index: number;
  readonly retryable: boolean;
  readonly detail: string;
}

/** What the queue works with. */
export interface SqsDeadLetterQueueDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly address: EntryAddress & { readonly region: string };
  /** Called for the first letter, not before. */
  readonly connect: () => Promise<SendMessages>;
}

interface Waiting {
  readonly letter: UndeliveredEvent;
  readonly message: DeadLetterMessage;
}

/** A batch may hold 10 messages and 256 KiB (1 MiB since 2025), attributes included. */
const batchLimits = { maxEntries: 10, maxBytes: 262_144 };
const maxCallsInFlight = 4;
/** Every letter is in the log, so few attempts will do; times in milliseconds. */
const retry: RetryOptions = { maxAttempts: 4, baseMs: 200, maxMs: 2_000 };
/** Letters beyond this are in the log only. */
const maxWaiting = 10_000;

/** Dead letters in an SQS queue. What cannot be sent is told in the log by event id. */
export function createSqsDeadLetterQueue(deps: SqsDeadLetterQueueDeps): DeadLetterQueue {
  const { clock, logger, metrics } = deps;
  const waiting = new Fifo<Waiting>();
  let connection: Promise<SendMessages> | undefined;
  let callsInFlight = 0;
  let deadlineMs = Infinity;
  let onIdle: (() => void) | undefined;

  function pump(): void {
    while (callsInFlight < maxCallsInFlight && waiting.size > 0) {
      callsInFlight += 1;
      void runNext();
    }
  }

  async function runNext(): Promise<void> {
    // Letters of the same moment travel together.
    await Promise.resolve();
    const batch = takeBatch(waiting, bytesOf, batchLimits);
    if (batch.length > 0) {
      await sendAll(batch);
    }
    callsInFlight -= 1;
    pump();
    if (callsInFlight === 0) {
      onIdle?.();
    }
  }

  async function sendAll(batch: readonly Waiting[]): Promise<void> {
    let left = batch;
    for (let attempts = 1; left.length > 0; attempts += 1) {
      const failures = await sendOnce(left);
      metrics.deadLetterMessages.inc({ outcome: 'sent' }, left.length - failures.length);
      const failure = { reason: 'sqs', retryable: true };
      const decision = decideRetry(attempts, failure, retry, deps.random);
      const delayMs = decision.action === 'retry' ? decision.delayMs : Infinity;
      const mayRetry = clock.now() + delayMs < deadlineMs;
      const isFinal = (candidate: MessageFailure): boolean => !(candidate.retryable && mayRetry);
      const final = failures.filter(isFinal);
      lose(pick(left, final), final[0]?.detail);
      left = pick(
        left,
        failures.filter((candidate) => !isFinal(candidate)),
      );
      if (left.length > 0) {
        await new Promise<void>((resolve) => {
          clock.setTimer(delayMs, resolve);
        });
      }
    }
  }

  /** One connection for all letters, begun anew when it failed. */
  function connect(): Promise<SendMessages> {
    connection ??= deps.connect().catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  }

  async function sendOnce(batch: readonly Waiting[]): Promise<readonly MessageFailure[]> {
    try {
      const send = await connect();
      return await send(batch.map((waitingLetter) => waitingLetter.message));
    } catch (error) {
      const { retryable, detail } = classifyCallError(error);
      return batch.map((_, index) => ({ index, retryable, detail }));
    }
  }

  function lose(letters: readonly Waiting[], error = ''): void {
    if (letters.length === 0) {
      return;
    }
    metrics.deadLetterMessages.inc({ outcome: 'failed' }, letters.length);
    logger.error(
      { event_ids: letters.map(({ letter }) => letter.event.eventId), error },
      'Dead letters did not reach their queue; their own log lines have all there is to them',
    );
  }

  return {
    send(letter) {
      const message = toDeadLetterMessage(letter, deps.address, clock.now());
      if (waiting.size >= maxWaiting || clock.now() >= deadlineMs) {
        lose([{ letter, message }], 'no room or no time to send it');
        return;
      }
      waiting.push({ letter, message });
      pump();
    },

    async drain(untilMs) {
      deadlineMs = untilMs;
      if (callsInFlight === 0) {
        return;
      }
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(Math.max(0, untilMs - clock.now()), () => {
          const left: Waiting[] = [];
          for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
            left.push(next);
          }
          lose(left, 'out of time');
          resolve();
        });
        onIdle = () => {
          timer.cancel();
          resolve();
        };
      });
    },
  };
}

function pick(letters: readonly Waiting[], failures: readonly MessageFailure[]): Waiting[] {
  return failures.map((failure) => letters[failure.index]).filter((letter) => letter !== undefined);
}

function bytesOf({ message }: Waiting): number {
  let bytes = Buffer.byteLength(message.body);
  for (const [name, value] of Object.entries(message.attributes)) {
    // The data type, "String", counts as well.
    bytes += name.length + 6 + Buffer.byteLength(value);
  }
  return bytes;
}

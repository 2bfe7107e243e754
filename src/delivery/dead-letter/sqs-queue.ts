import { classifyCallError } from '../../aws/failures.ts';
import type { MachineClock } from '../../base/clock.ts';
import { Fifo } from '../../base/fifo.ts';
import type { Observer } from '../../base/observer.ts';
import type { RandomSource } from '../../base/random.ts';
import { within } from '../../base/within.ts';
import { takeBatch } from '../batch.ts';
import type { DeadLetter, DeadLetterQueue } from '../dead-letter.ts';
import type { DeliveryReport } from '../observer.ts';
import { decideRetry, type RetryOptions } from '../retry-policy.ts';
import { type DeadLetterMessage, type EventOrigin, toDeadLetterMessage } from './sqs-message.ts';

/**
 * Sends up to ten messages in one call; resolves with the failures by position, rejects when the
 * call as a whole failed.
 */
export type SendMessages = (messages: readonly DeadLetterMessage[]) => Promise<readonly MessageFailure[]>;

/** One message that SQS did not take. */
interface MessageFailure {
  readonly index: number;
  readonly retryable: boolean;
  readonly detail: string;
}

interface SqsDeadLetterQueueDeps {
  readonly machine: MachineClock;
  readonly random: RandomSource;
  readonly observe: Observer<DeliveryReport>;
  readonly origin: EventOrigin;
  /** Called for the first letter, not before. */
  readonly connect: () => Promise<SendMessages>;
}

interface Waiting {
  readonly letter: DeadLetter;
  readonly message: DeadLetterMessage;
}

interface State extends SqsDeadLetterQueueDeps {
  readonly waiting: Fifo<Waiting>;
  connection: Promise<SendMessages> | undefined;
  callsInFlight: number;
  /** By the machine's monotonic time; nothing is sent after it. */
  deadline: number;
  /** Whether SQS has ever taken any. */
  hasWorked: boolean;
  onIdle: (() => void) | undefined;
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
  const self: State = {
    ...deps,
    waiting: new Fifo(),
    connection: undefined,
    callsInFlight: 0,
    deadline: Infinity,
    hasWorked: false,
    onIdle: undefined,
  };
  return {
    send: (letter) => send(self, letter),
    drain: (withinMs) => drain(self, withinMs),
  };
}

function send(self: State, letter: DeadLetter): void {
  const message = toDeadLetterMessage(letter, self.origin, self.machine.now());
  if (self.waiting.size >= maxWaiting || self.machine.monotonic() >= self.deadline) {
    lose(self, [{ letter, message }], 'no room or no time to send it');
    return;
  }
  self.waiting.push({ letter, message });
  pump(self);
}

function pump(self: State): void {
  while (self.callsInFlight < maxCallsInFlight && self.waiting.size > 0) {
    self.callsInFlight += 1;
    void sendNext(self);
  }
}

async function sendNext(self: State): Promise<void> {
  // Letters of the same moment travel together.
  await Promise.resolve();
  const batch = takeBatch(self.waiting, bytesOf, batchLimits);
  if (batch.length > 0) {
    await sendAll(self, batch);
  }
  self.callsInFlight -= 1;
  pump(self);
  if (self.callsInFlight === 0) {
    self.onIdle?.();
  }
}

async function sendAll(self: State, batch: readonly Waiting[]): Promise<void> {
  const { machine, observe } = self;
  let left = batch;
  for (let attempts = 1; left.length > 0; attempts += 1) {
    const failures = await sendOnce(self, left);
    self.hasWorked ||= failures.length < left.length;
    // Where SQS has never taken any, the end of a grace is not the time to hope that it will.
    const isHopeless = !self.hasWorked && self.deadline < Infinity;
    observe({ kind: 'letters-sent', letters: left.length - failures.length });
    const decision = decideRetry(attempts, { reason: 'sqs', retryable: true }, retry, self.random);
    const delayMs = decision.action === 'retry' ? decision.delayMs : Infinity;
    const mayRetry = !isHopeless && machine.monotonic() + delayMs < self.deadline;
    const again = failures.filter((failure) => failure.retryable && mayRetry);
    const final = failures.filter((failure) => !again.includes(failure));
    lose(self, pick(left, final), final[0]?.detail);
    left = pick(left, again);
    if (isHopeless) {
      lose(self, self.waiting.takeAll(), final[0]?.detail);
    }
    if (left.length > 0) {
      await new Promise<void>((resolve) => {
        machine.setTimer(delayMs, resolve);
      });
    }
  }
}

async function sendOnce(self: State, batch: readonly Waiting[]): Promise<readonly MessageFailure[]> {
  try {
    const sendMessages = await connect(self);
    return await sendMessages(batch.map(({ message }) => message));
  } catch (error) {
    const { retryable, detail } = classifyCallError(error);
    return batch.map((_, index) => ({ index, retryable, detail }));
  }
}

/** One connection for all letters, begun anew when it failed. */
function connect(self: State): Promise<SendMessages> {
  self.connection ??= self.connect().catch((error: unknown) => {
    self.connection = undefined;
    throw error;
  });
  return self.connection;
}

function lose({ observe }: State, letters: readonly Waiting[], error = ''): void {
  if (letters.length > 0) {
    observe({ kind: 'letters-lost', eventIds: letters.map(({ letter }) => letter.delivery.event.id), error });
  }
}

async function drain(self: State, withinMs: number): Promise<void> {
  self.deadline = self.machine.monotonic() + withinMs;
  if (self.callsInFlight > 0) {
    const idle = new Promise<void>((resolve) => (self.onIdle = resolve));
    if (!(await within(self.machine, withinMs, idle))) {
      lose(self, self.waiting.takeAll(), 'out of time');
    }
  }
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

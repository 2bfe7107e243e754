import type { EnvironmentReader } from '../../base/env/config-reader.ts';
import { findInvisible } from '../../base/visible-text.ts';

const modes = ['auto', 'on', 'off'] as const;

/** How events go to EventBridge; times in milliseconds. */
export type EventBridgeConfig = Readonly<ReturnType<typeof readEventBridgeConfig>>;

/** Reads the EventBridge variables; mistakes are noted in `read`. */
export function readEventBridgeConfig(read: EnvironmentReader) {
  const config = {
    /**
     * `auto`: on when there are credentials or an endpoint URL, otherwise off. `on`: not ready while
     * AWS cannot be reached. `off`: no AWS at all.
     */
    mode: read.oneOf('EVENTBRIDGE', modes, 'auto'),
    /** Name or ARN. */
    busName: read.text('EVENT_BUS_NAME', 'ticket-reservation-events'),
    source: read.text('PAYMENT_EVENT_SOURCE', 'payment-sim-api'),
    /** How long an event waits for others to share its call. */
    batchWaitMs: read.integer('EVENTBRIDGE_BATCH_WAIT_MS', 20, 0, 10_000),
    /** Calls under way at the same time. */
    maxInFlight: read.integer('EVENTBRIDGE_MAX_IN_FLIGHT', 32, 1, 1_000),
    /** For one call. */
    timeoutMs: read.integer('EVENTBRIDGE_TIMEOUT_MS', 5_000, 1, 600_000),
    retry: {
      maxAttempts: read.integer('EVENTBRIDGE_MAX_ATTEMPTS', 16, 1, 100),
      baseMs: read.integer('EVENTBRIDGE_RETRY_BASE_MS', 200, 1, 86_400_000),
      maxMs: read.integer('EVENTBRIDGE_RETRY_MAX_MS', 30_000, 1, 86_400_000),
    },
    /** Events that may wait; the oldest beyond that go to the dead letters. */
    maxBacklog: read.integer('EVENTBRIDGE_MAX_BACKLOG', 100_000, 1, 10_000_000),
  };
  if (config.retry.maxMs < config.retry.baseMs) {
    read.mistake('EVENTBRIDGE_RETRY_MAX_MS', 'must not be below EVENTBRIDGE_RETRY_BASE_MS');
  }
  // AWS drops events with such a source or bus, and answers as if it had taken them.
  if (
    !/^(arn:aws[\w-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[/.\-_A-Za-z0-9]{1,256}$/.test(config.busName)
  ) {
    read.mistake('EVENT_BUS_NAME', `must be the name or ARN of an event bus, not "${config.busName}"`);
  }
  if (
    config.source.length > 256 ||
    config.source.startsWith('aws.') ||
    findInvisible(config.source) !== undefined
  ) {
    read.mistake(
      'PAYMENT_EVENT_SOURCE',
      'must have at most 256 characters, all visible, and must not start with "aws."',
    );
  }
  return config;
}

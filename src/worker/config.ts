import { queueUrl, readAwsConfig } from '../aws/aws-config.ts';
import { regionOfQueue } from '../aws/queue-region.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { readHttpUrlVariable } from '../base/env/http-url-variable.ts';
import { readEnvironment } from '../base/env/environment.ts';
import { readLogFormat } from '../observability/log-format.ts';
import { logLevels } from '../observability/logger.ts';
import { readTracesConfig } from '../observability/traces-config.ts';

/** Everything of the reservation worker that can be set from outside; docs/reference/configuration.md has every variable. */
export type WorkerConfig = ReturnType<typeof loadWorkerConfig>;

/**
 * Reads the worker's configuration. Empty variables count as unset.
 *
 * @param read knows afterwards every variable that was looked at.
 * @throws ConfigError that lists every mistake by variable name.
 */
export function loadWorkerConfig(
  env: Readonly<Record<string, string | undefined>>,
  read = new EnvironmentReader(env),
) {
  const paymentQueueUrl = queueUrl(read, 'PAYMENT_WEBHOOK_QUEUE_URL');
  if (read.optionalText('PAYMENT_WEBHOOK_QUEUE_URL') === undefined) {
    read.mistake('PAYMENT_WEBHOOK_QUEUE_URL', 'must be set to the URL of the queue to work on');
  }
  const config = {
    environment: readEnvironment(read),
    host: read.text('HOST', '0.0.0.0'),
    /** 0 lets the system choose, which tests use. */
    healthPort: read.integer('WORKER_HEALTH_PORT', 8041, 0, 65_535),
    logLevel: read.oneOf('LOG_LEVEL', logLevels, 'info'),
    /** What log lines look like. */
    logFormat: readLogFormat(read),
    aws: readAwsConfig(read),
    queueUrl: paymentQueueUrl ?? '',
    /** Where poison messages are sent. Undefined: they stay in the queue for its redrive policy. */
    deadLetterQueueUrl: queueUrl(read, 'PAYMENT_WEBHOOK_DLQ_URL'),
    /** Undefined: outcomes are only logged. */
    reservationApiUrl: reservationApiUrl(read),
    /** For one update of a reservation, in milliseconds. */
    reservationApiTimeoutMs: read.integer('RESERVATION_API_TIMEOUT_MS', 5_000, 1, 600_000),
    /** Batches of up to ten messages that are handled at the same time. */
    pollers: read.integer('WORKER_POLLERS', 4, 1, 64),
    /** How long one poll waits for messages, 1 to 20 seconds. */
    pollWaitSeconds: read.integer('WORKER_POLL_WAIT_SECONDS', 5, 1, 20),
    /** How long a received message stays hidden from others, in seconds; renewed while it is handled. */
    visibilitySeconds: read.integer('WORKER_VISIBILITY_SECONDS', 30, 1, 43_200),
    /** Waits between receives of a failing message, in milliseconds. */
    retryBaseMs: read.integer('WORKER_RETRY_BASE_MS', 1_000, 1, 43_200_000),
    retryMaxMs: read.integer('WORKER_RETRY_MAX_MS', 300_000, 1, 43_200_000),
    shutdownGraceMs: read.integer('SHUTDOWN_GRACE_MS', 25_000, 0, 3_600_000),
    traces: readTracesConfig(read),
    /** Variables whose names are near ones that are read; the last, because it goes by what was read. */
    misspelt: read.misspelt(),
  };
  if (config.retryMaxMs < config.retryBaseMs) {
    read.mistake('WORKER_RETRY_MAX_MS', 'must not be below WORKER_RETRY_BASE_MS');
  }
  if (config.deadLetterQueueUrl !== undefined && config.deadLetterQueueUrl === config.queueUrl) {
    read.mistake('PAYMENT_WEBHOOK_DLQ_URL', 'must differ from PAYMENT_WEBHOOK_QUEUE_URL');
  }
  const region = regionOfQueue(config.queueUrl);
  if (config.deadLetterQueueUrl !== undefined && regionOfQueue(config.deadLetterQueueUrl) !== region) {
    read.mistake('PAYMENT_WEBHOOK_DLQ_URL', 'must be in the region of PAYMENT_WEBHOOK_QUEUE_URL');
  }
  if (read.mistakes.length > 0) {
    throw new ConfigError(read.mistakes);
  }
  return Object.freeze(config);
}

function reservationApiUrl(read: EnvironmentReader): string | undefined {
  const address = readHttpUrlVariable(read, 'RESERVATION_API_URL');
  const text = read.optionalText('RESERVATION_API_URL');
  if (address !== undefined && /[?#]/.test(text ?? '')) {
    read.mistake('RESERVATION_API_URL', 'must be without a query or fragment');
  }
  return address;
}

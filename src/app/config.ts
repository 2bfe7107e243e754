import { queueUrl, readAwsConfig } from '../aws/aws-config.ts';
import { readEventBridgeConfig } from '../delivery/eventbridge/config.ts';
import { isUsableSecret } from '../webhook-format/signature.ts';
import { describeCidrProblem, describeHostProblem } from '../delivery/webhook/egress-policy.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { readEnvironment } from '../base/env/environment.ts';
import { logLevels } from '../observability/logger.ts';
import { readLogFormat } from '../observability/log-format.ts';
import { readTracesConfig } from '../observability/traces-config.ts';
import type { Scenario } from '../payment/payment.ts';
import { readRedisConfig } from '../state/redis/redis-config.ts';
import { describeAddressProblem } from './webhook-addresses.ts';

const switches = ['on', 'off'] as const;
const yesOrNo = ['true', 'false'] as const;
const scenarios = ['approve', 'fail', 'delay', 'random'] as const;
const scenarioNamed: Readonly<Record<Lowercase<Scenario>, Scenario>> = {
  approve: 'APPROVE',
  fail: 'FAIL',
  delay: 'DELAY',
  random: 'RANDOM',
};

/** Everybody knows it, so production refuses it. */
const developmentWebhookSecret = 'payment-sim-dev-secret';

/** Largest delay of Node's timers: 2^31-1 milliseconds, a little under 25 days. */
const maxTimerMs = 2_147_483_647;
const dayMs = 86_400_000;
/**
 * A settlement that a crash cut off is finished seconds later, and must still find its payment, which may
 * have settled.
 */
const minSharedTtlMs = 60_000;

/** Everything that can be set from outside; times in milliseconds. docs/reference/configuration.md has every variable. */
export type Config = Readonly<ReturnType<typeof readConfig>>;

/**
 * Reads the configuration. Empty variables count as unset.
 *
 * @param read knows afterwards every variable that was looked at.
 * @throws ConfigError that lists every mistake by variable name.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  read = new EnvironmentReader(env),
): Config {
  const config = readConfig(read);
  checkTogether(config, read);
  if (read.mistakes.length > 0) {
    throw new ConfigError(read.mistakes);
  }
  return Object.freeze(config);
}

/** Reads every variable, in the order in which its page and check-env list them. */
function readConfig(read: EnvironmentReader) {
  const environment = readEnvironment(read);
  const unlessProduction = environment === 'production' ? 'off' : 'on';
  return {
    environment,
    host: read.text('HOST', '0.0.0.0'),
    /** 0 lets the system choose, which tests use. */
    grpcPort: read.integer('GRPC_PORT', 8030, 0, 65_535),
    healthPort: read.integer('HEALTH_PORT', 8031, 0, 65_535),
    /** Where the platform's contract is served; may be `healthPort`. Undefined: nowhere. */
    platformGrpcPort: read.optionalInteger('PLATFORM_GRPC_PORT', 0, 65_535),
    /** Whether other processes on this machine may listen at `grpcPort` too; Linux shares the connections out. */
    reusePort: read.oneOf('REUSE_PORT', yesOrNo, 'false') === 'true',
    logLevel: read.oneOf('LOG_LEVEL', logLevels, 'info'),
    /** What log lines look like; whoever starts a process says `pretty` on a terminal. */
    logFormat: readLogFormat(read),
    defaultScenario: scenarioNamed[read.oneOf('DEFAULT_SCENARIO', scenarios, 'approve')],
    defaultDelayMs: read.integer('DEFAULT_DELAY_MS', 2_000, 0, dayMs),
    delayScenarioMs: read.integer('DELAY_SCENARIO_MS', 10_000, 0, dayMs),
    /** How long a payment that nobody pays waits before it expires. */
    expiryMs: read.integer('PAYMENT_EXPIRY_MS', 900_000, 0, dayMs),
    randomFailureRate: read.fraction('RANDOM_FAILURE_RATE', 0.5),
    /** Undefined: outcomes of RANDOM differ from run to run. */
    randomSeed: read.optionalInteger('RANDOM_SEED', 0, 2 ** 32 - 1),
    /** Where outcomes go whose caller named no address, as it was given; `checkTogether` has looked at it. */
    webhookUrl: read.optionalText('WEBHOOK_URL'),
    /** At least one, the current one first. */
    webhookSecrets: read.list('WEBHOOK_SECRET', developmentWebhookSecret),
    webhookMaxAttempts: read.integer('WEBHOOK_MAX_ATTEMPTS', 8, 1, 100),
    webhookRetryBaseMs: read.integer('WEBHOOK_RETRY_BASE_MS', 1_000, 1, dayMs),
    webhookRetryMaxMs: read.integer('WEBHOOK_RETRY_MAX_MS', 300_000, 1, dayMs),
    webhookTimeoutMs: read.integer('WEBHOOK_TIMEOUT_MS', 30_000, 1, 600_000),
    /** Connections to webhook receivers, in all. */
    webhookMaxConnections: read.integer('WEBHOOK_MAX_CONNECTIONS', 1_000, 1, 100_000),
    /** The same to one scheme, host and port. */
    webhookMaxConnectionsPerOrigin: read.integer('WEBHOOK_MAX_CONNECTIONS_PER_ORIGIN', 100, 1, 100_000),
    /** How many webhooks may wait for a connection, and as many for another attempt. */
    webhookMaxBacklog: read.integer('WEBHOOK_MAX_BACKLOG', 200_000, 1, 10_000_000),
    /** The same for one scheme, host and port. */
    webhookMaxBacklogPerOrigin: read.integer('WEBHOOK_MAX_BACKLOG_PER_ORIGIN', 50_000, 1, 10_000_000),
    /** Webhooks never go there; addresses and networks. */
    webhookBlockedCidrs: read.optionalList('WEBHOOK_BLOCKED_CIDRS', describeCidrProblem),
    /** When not empty, webhooks go nowhere else; in lower case. */
    webhookAllowedHosts: read
      .optionalList('WEBHOOK_ALLOWED_HOSTS', describeHostProblem)
      .map((host) => host.toLowerCase()),
    shutdownGraceMs: read.integer('SHUTDOWN_GRACE_MS', 25_000, 0, 3_600_000),
    paymentTtlMs: read.integer('PAYMENT_TTL_MS', dayMs, 1, maxTimerMs),
    maxPayments: read.integer('MAX_PAYMENTS', 1_000_000, 1, 10_000_000),
    /** What they may take with all that belongs to them, in bytes. Undefined: a share of the heap's limit. */
    maxPaymentsBytes: read.optionalInteger('MAX_PAYMENTS_BYTES', 1_000_000, 2 ** 40),
    /** Largest request message, in bytes, before and after decompression. */
    readMaxBytes: read.integer('READ_MAX_BYTES', 65_536, 1_024, 4_194_304),
    /** Whether 8030 tells its contract to those who ask. */
    reflection: read.oneOf('REFLECTION', switches, unlessProduction) === 'on',
    ...readSteering(read, unlessProduction),
    /** Whether 8030 has a page for people, at /. */
    console: read.oneOf('CONSOLE', switches, environment === 'development' ? 'on' : 'off') === 'on',
    /** Whose pages may call from a browser: origins, or `*` for any; empty for none. */
    corsOrigins: readCorsOrigins(read, environment === 'development' ? '*' : 'none'),
    /** Connections on the API's port at the same time. */
    maxConnections: read.integer('MAX_CONNECTIONS', 10_000, 1, 1_000_000),
    redis: readRedisConfig(read),
    aws: readAwsConfig(read),
    eventBridge: readEventBridgeConfig(read),
    /** Where dead letters go besides the log. */
    deadLetterQueueUrl: queueUrl(read, 'PAYMENT_WEBHOOK_DLQ_URL'),
    traces: readTracesConfig(read),
    /** Variables whose names are near ones that are read; the last, because it goes by what was read. */
    misspelt: read.misspelt(),
  };
}

/** What testers steer with. */
function readSteering(read: EnvironmentReader, unlessTold: (typeof switches)[number]) {
  const simulatorApi = read.oneOf('SIMULATOR_API', switches, unlessTold) === 'on';
  return {
    /** Whether testers may steer: the service for it, headers, rules, sessions. */
    simulatorApi,
    /** Whether the users of rules/magic-users.yaml are there. */
    magicUsers: read.oneOf('MAGIC_USERS', switches, simulatorApi ? 'on' : 'off') === 'on',
    /** A file of rules, which `file-rules.ts` reads. */
    rulesFile: read.optionalText('RULES_FILE'),
    /** What the journal may take, in bytes. */
    journalMaxBytes: read.integer('JOURNAL_MAX_BYTES', 33_554_432, 1_048_576, 2 ** 40),
    maxSessions: read.integer('MAX_SESSIONS', 1_000, 1, 100_000),
    /** A session ends that nobody has used for so long. */
    sessionIdleMs: read.integer('SESSION_IDLE_MS', 1_800_000, 1_000, dayMs),
  };
}

/** Notes the mistakes that involve more than one variable, or what a variable means. */
function checkTogether(config: Config, read: EnvironmentReader): void {
  if (config.redis.url !== undefined && config.paymentTtlMs < minSharedTtlMs) {
    read.mistake('PAYMENT_TTL_MS', `must be at least ${minSharedTtlMs} with REDIS_URL`);
  }
  if (config.environment === 'production' && config.webhookSecrets.includes(developmentWebhookSecret)) {
    read.mistake('WEBHOOK_SECRET', 'must be set to a secret of your own in production');
  }
  if (config.webhookSecrets.some((secret) => !isUsableSecret(secret))) {
    read.mistake('WEBHOOK_SECRET', 'must have padded base64 after "whsec_"');
  }
  if (config.webhookRetryMaxMs < config.webhookRetryBaseMs) {
    read.mistake('WEBHOOK_RETRY_MAX_MS', 'must not be below WEBHOOK_RETRY_BASE_MS');
  }
  if (config.grpcPort !== 0 && config.grpcPort === config.healthPort) {
    read.mistake('HEALTH_PORT', 'must differ from GRPC_PORT');
  }
  if (config.grpcPort !== 0 && config.grpcPort === config.platformGrpcPort) {
    read.mistake(
      'PLATFORM_GRPC_PORT',
      'must differ from GRPC_PORT: the contracts have the same names, and 3 is FAILED in one and COMPLETED in the other',
    );
  }
  checkSteering(config, read);
  const addressProblem =
    config.webhookUrl === undefined ? undefined : describeAddressProblem(config.webhookUrl, config);
  if (addressProblem !== undefined) {
    read.mistake('WEBHOOK_URL', addressProblem);
  }
  if (config.reusePort && process.platform !== 'linux') {
    read.mistake('REUSE_PORT', `must be false on ${process.platform}: only Linux shares a port out`);
  }
}

/** What would be ignored. */
function checkSteering(
  { simulatorApi, magicUsers, rulesFile }: Pick<Config, 'simulatorApi' | 'magicUsers' | 'rulesFile'>,
  read: EnvironmentReader,
): void {
  if (!simulatorApi && rulesFile !== undefined) {
    read.mistake('RULES_FILE', 'needs SIMULATOR_API=on');
  }
  if (!simulatorApi && magicUsers) {
    read.mistake('MAGIC_USERS', 'needs SIMULATOR_API=on');
  }
}

/** Origins in the form in which browsers send them, since they are compared as text. */
function readCorsOrigins(read: EnvironmentReader, fallback: string): readonly string[] {
  const origins = read.list('CORS_ORIGINS', fallback);
  if (origins.length === 1 && origins[0] === 'none') {
    return [];
  }
  if (!origins.every((origin) => origin === '' || origin === '*' || isOrigin(origin))) {
    read.mistake(
      'CORS_ORIGINS',
      'must be *, none, or origins with commas between them, such as https://shop.example:8443',
    );
  }
  return origins;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text);
}

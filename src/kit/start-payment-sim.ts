import { callableHost } from '../base/callable-host.ts';
import type { SimClock } from '../base/clock.ts';
import { errorMessage } from '../base/error-text.ts';
import type { IdGenerator } from '../base/ids.ts';
import type { RandomSource } from '../base/random.ts';
import { createDeliveryRecord, type DeliveryRecord } from './delivery-record.ts';
import type { SentWebhook, SettledOutcome, WaitOptions } from './sent-webhook.ts';
import type { SimSession } from './sim-session.ts';
import type { SimVariables } from './sim-variables.ts';

/** How to run it; all of it may be left out. */
export interface PaymentSimOptions {
  /**
   * Variables by their names, such as `{ DEFAULT_DELAY_MS: 0 }`. What is not given has the service's
   * default, but: `HOST` 127.0.0.1, free ports, `LOG_LEVEL` silent, `EVENTBRIDGE` off, and
   * `SHUTDOWN_GRACE_MS` 0, so that `stop()` waits for nothing.
   */
  readonly variables?: SimVariables;
  /**
   * Whether time stands still in the global session until `advance` moves it, so `sim.advance('2s')` settles what is due
   * and has told of it when it resolves. Other sessions say so themselves, by `update`.
   */
  readonly manualClock?: boolean;
  /** Moves settlements and the retries of webhooks; the machine's clock unless told otherwise. */
  readonly clock?: SimClock;
  /** Decides RANDOM payments instead of `RANDOM_SEED`; a number from 0 to below 1. */
  readonly random?: RandomSource;
  /** Makes the ids of payments, transactions and events; must never make one twice. */
  readonly newId?: IdGenerator;
  /**
   * Takes log lines, JSON each, as far as `LOG_LEVEL` lets them through; standard output without it. When it
   * throws, the line is lost and the process is warned once.
   */
  readonly log?: (line: string) => void;
}

/** A simulator that runs in this process; by itself the global session. */
export interface PaymentSim extends SimSession {
  /** Where calls go, `http://127.0.0.1:<port>`: gRPC, gRPC-Web and Connect. */
  readonly apiUrl: string;
  /** Health and metrics. */
  readonly opsUrl: string;
  readonly apiPort: number;
  readonly opsPort: number;
  /** The platform's contract, where `PLATFORM_GRPC_PORT` is set: 0 for a free port. */
  readonly platformUrl: string | undefined;
  /** The built-in receiver, as a `webhookUrl` for tests that have none: see `received`. */
  readonly inboxUrl: string;
  /** For `verifyWebhook`. */
  readonly webhookSecret: string;
  /** Webhooks so far, in the order their payments settled; the last 10,000. */
  readonly webhooks: readonly SentWebhook[];
  /**
   * Resolves with the first webhook that fits, past ones included. A payment's id stands for its
   * webhook once that is delivered or given up.
   *
   * @throws Error when the time is over, the simulator stops, or it is that of a payment that will have none.
   */
  waitForWebhook(
    which: string | ((webhook: SentWebhook) => boolean),
    options?: WaitOptions,
  ): Promise<SentWebhook>;
  /**
   * Resolves when the payment has its outcome, at once when it has it already.
   *
   * @throws Error when the time is over, or the simulator stops.
   */
  waitForSettlement(paymentId: string, options?: WaitOptions): Promise<SettledOutcome>;
  /** A session of that name; made when something is set in it. */
  session(name: string): SimSession;
  /** Removes the rules, settings, payments and memories of all sessions. */
  resetAll(): Promise<void>;
  /** Closes all ports and ends everything; calling it again changes nothing. */
  stop(): Promise<void>;
  /** As `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Runs the real service in this process, for a test suite. Several may run at the same time; none
 * touches the process's environment or signals, nor its output unless `LOG_LEVEL` is set.
 *
 * @throws ConfigError that lists every mistake in `variables` by name.
 */
export async function startPaymentSim(options: PaymentSimOptions = {}): Promise<PaymentSim> {
  // Loaded here, so that a receiver that only verifies webhooks does not load a server.
  const [{ buildApp }, { loadSimConfig }, { connectSessions }] = await Promise.all([
    import('../app/app.ts'),
    import('./sim-variables.ts'),
    import('./sim-session.ts'),
  ]);
  const { variables = {}, log, manualClock = false, ...parts } = options;
  const config = loadSimConfig(variables);
  const record = createDeliveryRecord();
  const app = await buildApp(config, {
    ...parts,
    observers: { deliveries: record.observe, payments: record.observePayment },
    processMetrics: false,
    ...(log !== undefined && { logDestination: { write: harmless(log) } }),
  });
  const { apiPort, opsPort, platformPort } = await app.start().catch(async (error: unknown) => {
    // Why it could not start is what matters, whatever else fails now.
    await app.stop().catch(() => undefined);
    throw error;
  });
  const host = callableHost(config.host);
  const apiUrl = `http://${host}:${apiPort}`;
  const sessions = connectSessions(apiUrl);
  const stop = async () => {
    try {
      await app.stop();
    } finally {
      sessions.close();
      record.close();
    }
  };
  const own = sessions.session('');
  // A reset takes the settings of the session away, of which its clock is one.
  const stopTheClock = async () => (manualClock ? await own.update({ manualClock }) : undefined);
  await stopTheClock().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    ...own,
    session: (name) => sessions.session(name),
    reset: () => own.reset().then(stopTheClock),
    resetAll: () => sessions.resetAll().then(stopTheClock),
    apiUrl,
    opsUrl: `http://${host}:${opsPort}`,
    apiPort,
    opsPort,
    platformUrl: platformPort === undefined ? undefined : `http://${host}:${platformPort}`,
    inboxUrl: `${apiUrl}/inbox`,
    webhookSecret: config.webhookSecrets[0],
    get webhooks() {
      return record.webhooks();
    },
    waitForWebhook: (which, wait) => waitForWebhook(record, which, wait),
    waitForSettlement: (paymentId, wait) => record.waitForSettlement(paymentId, wait),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** See `PaymentSim`. */
function waitForWebhook(
  record: DeliveryRecord,
  which: string | ((webhook: SentWebhook) => boolean),
  wait: WaitOptions | undefined,
): Promise<SentWebhook> {
  return typeof which === 'function'
    ? record.waitForWebhook(which, undefined, wait)
    : record.waitForWebhook(
        ({ paymentId, outcome }) => paymentId === which && outcome !== 'pending',
        which,
        wait,
      );
}

/** Lines are written in the middle of calls and deliveries, which a log that throws would break off. */
function harmless(log: (line: string) => void): (line: string) => void {
  let isTold = false;
  return (line) => {
    try {
      log(line);
    } catch (error) {
      if (!isTold) {
        isTold = true;
        process.emitWarning(
          `The log given to startPaymentSim threw, and lines are lost: ${errorMessage(error)}`,
        );
      }
    }
  };
}

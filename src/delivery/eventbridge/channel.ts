import type { AwsConfig } from '../../aws/aws-config.ts';
import type { DeliveryQueue } from '../../state/ports.ts';
import type { EventRetry } from './event-retry.ts';
import type { CredentialSource } from '../../aws/credential-source.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { DeliveryChannel } from '../delivery-service.ts';
import { type EventBridgeApi, loadEventBridge } from './client.ts';
import type { EventBridgeConfig } from './config.ts';
import { describe, probeReach } from './bus-probe.ts';
import type { EventBridgeSender } from './sender.ts';

/** The EventBridge channel with its way to be switched on. */
export interface EventBridgeChannel extends DeliveryChannel {
  /** Goes for AWS in the background; returns at once. */
  start(): void;
  /** Why the service is not ready, in mode `on` only. */
  unreadyReason(): string | undefined;
}

/** What the channel works with. */
export interface EventBridgeChannelDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly aws: AwsConfig;
  readonly config: EventBridgeConfig;
  /** Undefined when nothing is configured. */
  readonly credentials: CredentialSource | undefined;
  readonly sender: EventBridgeSender;
  /** Where events wait that outlive the process. */
  readonly queue?: DeliveryQueue<EventRetry> | undefined;
}

/** Between two looks at whether AWS can be reached, in milliseconds. */
const probeIntervalMs = 10_000;
/** Waits before further attempts at credentials, in milliseconds; the last one again and again. */
const credentialRetryMs = [500, 1_000, 2_000, 4_000, 60_000];

/**
 * Opens the sender once there are credentials. In mode `auto` without any, events are counted as
 * skipped; where some are configured but do not resolve, that is tried for a few seconds first and
 * once a minute after, so that a slow start of the platform does not switch the channel off for good.
 */
export function createEventBridgeChannel(deps: EventBridgeChannelDeps): EventBridgeChannel {
  const { clock, logger, metrics, aws, config, sender } = deps;
  let state: 'starting' | 'on' | 'off' = 'starting';
  let problem: string | undefined = 'EventBridge has not been reached yet';
  let api: EventBridgeApi | undefined;
  let timer: Timer | undefined;
  metrics.eventBridgeEvents.count('skipped', 0);
  let stopped = false;

  function later(delayMs: number, run: () => Promise<void>): void {
    if (!stopped) {
      timer = clock.setTimer(delayMs, () => void run());
    }
  }

  async function connect(attempt: number): Promise<void> {
    try {
      const { credentials } = deps;
      const { timeoutMs, maxInFlight } = config;
      api ??= await loadEventBridge({ aws, credentials, timeoutMs, maxInFlight });
      await api.checkCredentials();
    } catch (error) {
      problem = `AWS credentials do not resolve: ${describe(error)}`;
      if (attempt === credentialRetryMs.length) {
        logger.warn({ error: describe(error) }, explanationFor(config.mode));
        if (config.mode === 'auto') {
          state = 'off';
          skip(sender.discard());
        }
      }
      const delayMs = credentialRetryMs[Math.min(attempt, credentialRetryMs.length) - 1] ?? 0;
      later(delayMs, () => connect(attempt + 1));
      return;
    }
    if (stopped) {
      return;
    }
    state = 'on';
    sender.open(api.putEvents);
    logger.info(
      { bus: config.busName, region: aws.region, endpoint_url: aws.eventBridgeUrl },
      'EventBridge is on',
    );
    await probe(api);
  }

  async function probe(target: EventBridgeApi): Promise<void> {
    const reach = await probeReach(() => target.describeBus(config.busName));
    const before = problem;
    problem = problemOf(reach, config.busName);
    if (problem !== undefined && problem !== before && !stopped) {
      logger.warn({ region: aws.region, error: problem }, 'EventBridge cannot be relied on');
    }
    if (config.mode === 'on') {
      later(probeIntervalMs, () => probe(target));
    }
  }

  function skip(count: number): void {
    if (count > 0) {
      metrics.eventBridgeEvents.count('skipped', count);
    }
  }

  deps.queue?.start(async (retry) => {
    if (state === 'off') {
      skip(1);
    } else {
      await sender.resume(retry);
    }
  });

  return {
    start() {
      if (config.mode === 'auto' && deps.credentials === undefined && aws.eventBridgeUrl === undefined) {
        state = 'off';
        skip(sender.discard());
        logger.info('EventBridge is off: neither AWS credentials nor an endpoint URL are configured');
        return;
      }
      void connect(1);
    },

    accept(event, payment) {
      if (state === 'off') {
        skip(1);
        return undefined;
      }
      return sender.accept(event, payment);
    },

    unreadyReason: () => (config.mode === 'on' ? problem : undefined),

    async drain(untilMs) {
      await deps.queue?.drain(untilMs);
      await sender.drain(untilMs);
      stopped = true;
      timer?.cancel();
      api?.close();
    },
  };
}

function explanationFor(mode: EventBridgeConfig['mode']): string {
  return mode === 'auto'
    ? 'EventBridge is off: no AWS credentials can be had; events are skipped until they can'
    : 'EventBridge waits: no AWS credentials can be had; events are held until they can';
}

function problemOf(reach: Awaited<ReturnType<typeof probeReach>>, busName: string): string | undefined {
  switch (reach.state) {
    case 'reached':
      return undefined;
    case 'no-such-bus':
      return `the event bus ${busName} does not exist: AWS takes events for it and drops them`;
    case 'unreachable':
      return `EventBridge cannot be reached: ${reach.detail}`;
  }
}

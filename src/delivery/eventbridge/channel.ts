import type { AwsConfig } from '../../aws/aws-config.ts';
import type { CredentialSource } from '../../aws/credential-source.ts';
import { describeAwsError } from '../../aws/failures.ts';
import type { MachineClock, Timer } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import type { Delivery } from '../delivery.ts';
import type { DeliveryChannel } from '../delivery-service.ts';
import type { DeliveryReport } from '../observer.ts';
import type { DeliveryQueue } from '../ports.ts';
import { probeBus } from './bus-probe.ts';
import { type EventBridgeApi, loadEventBridge } from './client.ts';
import type { EventBridgeConfig } from './config.ts';
import type { PutEvents } from './entry.ts';
import type { EventBridgeSender } from './sender.ts';

/** The EventBridge channel with its way to be switched on. */
export interface EventBridgeChannel extends DeliveryChannel {
  /** Connects to AWS in the background; returns at once. */
  connect(): void;
  /** How many events are under way or wait in this process. */
  pending(): number;
  /** Why the service is not ready, in mode `on` only. */
  unreadyReason(): string | undefined;
}

interface EventBridgeChannelDeps {
  readonly machine: MachineClock;
  readonly observe: Observer<DeliveryReport>;
  readonly aws: AwsConfig;
  readonly config: EventBridgeConfig;
  /** Undefined when nothing is configured. */
  readonly credentials: CredentialSource | undefined;
  readonly sender: EventBridgeSender;
  /** Where events wait for their next attempt. */
  readonly queue: DeliveryQueue<Delivery>;
}

interface State extends EventBridgeChannelDeps {
  state: 'starting' | 'on' | 'off';
  problem: string | undefined;
  api: EventBridgeApi | undefined;
  timer: Timer | undefined;
  isProbing: boolean;
  stopped: boolean;
}

/** Between two looks at whether AWS can be relied on, in milliseconds: while it can, and while it cannot. */
const probeIntervalMs = 10_000;
const soonMs = 1_000;
/** Waits before further attempts at credentials, in milliseconds; the last one again and again. */
const credentialRetryMs = [500, 1_000, 2_000, 4_000, 60_000];

/**
 * Opens the sender once there are credentials. In mode `auto` without any, events are skipped; where some
 * are configured but do not resolve, that is tried for a few seconds first and once a minute after, so that
 * a slow start of the platform does not switch the channel off for good.
 */
export function createEventBridgeChannel(deps: EventBridgeChannelDeps): EventBridgeChannel {
  const self: State = {
    ...deps,
    state: 'starting',
    problem: 'EventBridge has not been reached yet',
    api: undefined,
    timer: undefined,
    isProbing: false,
    stopped: false,
  };
  return {
    start: () =>
      self.queue.start((delivery) => (self.state === 'off' ? skip(self, 1) : self.sender.resume(delivery))),
    connect: () => connect(self),
    accept: (event) => (self.state === 'off' ? skip(self, 1, event) : self.sender.accept(event)),
    hasRoom: (origin) => self.state === 'off' || self.sender.hasRoom(origin),
    pending: () => (self.state === 'off' ? 0 : countBacklog(self.sender)),
    unreadyReason: () => (self.config.mode === 'on' ? (self.problem ?? describeRefusal(self)) : undefined),
    async drain(withinMs) {
      try {
        await self.sender.drain(withinMs);
      } finally {
        self.stopped = true;
        self.timer?.cancel();
        self.api?.close();
      }
    },
  };
}

/**
 * A bus that can be described may refuse events all the same. Told while any wait: once all are given up only new ones can
 * show whether that has passed, and a service that is not ready would get none.
 */
function describeRefusal({ sender }: State): string | undefined {
  const refusal = countBacklog(sender) === 0 ? undefined : sender.refusal();
  return refusal === undefined ? undefined : `EventBridge takes no events: ${refusal}`;
}

function countBacklog(sender: EventBridgeSender): number {
  const { ready, retrying, in_flight: inFlight } = sender.backlog();
  return ready + retrying + inFlight;
}

function connect(self: State): void {
  const { config, credentials, aws } = self;
  if (config.mode === 'auto' && credentials === undefined && aws.eventBridgeUrl === undefined) {
    switchOff(self);
    self.observe({ kind: 'eventbridge-off' });
  } else {
    void tryToConnect(self, 1);
  }
}

async function tryToConnect(self: State, attempt: number): Promise<void> {
  const { aws, config, credentials } = self;
  try {
    const { timeoutMs, maxInFlight } = config;
    self.api ??= await loadEventBridge({ aws, credentials, timeoutMs, maxInFlight });
    await self.api.checkCredentials();
  } catch (error) {
    retryToConnect(self, attempt, describeAwsError(error));
    return;
  }
  if (!self.stopped) {
    self.state = 'on';
    self.sender.open(watchCalls(self, self.api));
    const { busName } = config;
    self.observe({ kind: 'eventbridge-on', busName, region: aws.region, endpointUrl: aws.eventBridgeUrl });
    await probe(self, self.api);
  }
}

function retryToConnect(self: State, attempt: number, error: string): void {
  self.problem = `AWS credentials do not resolve: ${error}`;
  self.sender.cannotOpen();
  if (attempt === credentialRetryMs.length) {
    const skips = self.config.mode === 'auto';
    self.observe({ kind: 'eventbridge-without-credentials', skips, error });
    if (skips) {
      switchOff(self);
    }
  }
  const delayMs = credentialRetryMs[Math.min(attempt, credentialRetryMs.length) - 1] ?? 0;
  later(self, delayMs, () => tryToConnect(self, attempt + 1));
}

/** A call that ends otherwise than the last look at the bus foretold is reason to look again. */
function watchCalls(self: State, api: EventBridgeApi): PutEvents {
  return async (entries) => {
    let works = false;
    try {
      const results = await api.putEvents(entries);
      works = true;
      return results;
    } finally {
      if (self.config.mode === 'on' && works !== (self.problem === undefined)) {
        void probe(self, api);
      }
    }
  };
}

async function probe(self: State, api: EventBridgeApi): Promise<void> {
  const { config, aws } = self;
  if (self.isProbing || self.stopped) {
    return;
  }
  self.isProbing = true;
  const before = self.problem;
  self.problem = await probeBus(api, config.busName);
  self.isProbing = false;
  if (self.problem !== undefined && self.problem !== before && !self.stopped) {
    self.observe({ kind: 'bus-unreliable', region: aws.region, error: self.problem });
  }
  if (config.mode === 'on') {
    later(self, self.problem === undefined ? probeIntervalMs : soonMs, () => probe(self, api));
  }
}

function later(self: State, delayMs: number, run: () => Promise<void>): void {
  self.timer?.cancel();
  if (!self.stopped) {
    self.timer = self.machine.setTimer(delayMs, () => void run());
  }
}

/** Skips what waits so far and what comes. */
function switchOff(self: State): void {
  self.state = 'off';
  skip(self, self.sender.discard());
}

function skip({ observe }: State, events: number, event?: PaymentEvent): undefined {
  if (events > 0) {
    observe({ kind: 'events-skipped', events, ...(event && { event }) });
  }
}

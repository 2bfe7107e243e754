import { Code, ConnectError } from '@connectrpc/connect';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../../gen/grpc/health/v1/health_pb.js';
import type { MachineClock, Timer } from '../../base/clock.ts';
import { registerService, type ServiceRegistration } from '../connect/service-registration.ts';
import { stoppingError } from '../../contracts/stopping-error.ts';

interface HealthOptions {
  readonly clock: MachineClock;
  /** Full names of the services that are ready when the process is. */
  readonly serviceNames: readonly string[];
  /** What keeps the service from taking calls, or undefined when nothing does. */
  readonly unreadyReason: () => string | undefined;
  /** Ends open Watch streams, after the change of their status was sent. */
  readonly stopping: AbortSignal;
}

/** The health service and its open Watch streams. */
interface HealthState extends HealthOptions {
  /** Names whose status is the process's readiness. */
  readonly readinessNames: ReadonlySet<string>;
  /** One function per open Watch stream: makes it compare its status again. */
  readonly wakers: Set<() => void>;
  /** Set while there are open Watch streams. */
  timer: Timer | undefined;
}

/** The name whose status does not depend on readiness. */
const livenessName = 'liveness';

/** How often the status of open Watch streams is compared with what they were sent, in milliseconds. */
const watchIntervalMs = 1_000;

/**
 * `grpc.health.v1.Health`. The names "" (the process), `readiness` and the services' follow readiness;
 * `liveness` is always serving, because a process that drains must not be killed for it.
 */
export function createHealth(options: HealthOptions): ServiceRegistration {
  const health: HealthState = {
    ...options,
    readinessNames: new Set(['', 'readiness', ...options.serviceNames]),
    wakers: new Set(),
    timer: undefined,
  };
  options.stopping.addEventListener('abort', () => {
    health.timer?.cancel();
    wakeAll(health);
  });
  return registerService(Health, {
    check: ({ service }) => ({ status: knownStatusOf(health, service) }),
    list() {
      const names = [...health.readinessNames, livenessName];
      return {
        statuses: Object.fromEntries(names.map((name) => [name, { status: statusOf(health, name) }])),
      };
    },
    watch: ({ service }, { signal }) => watchStatus(health, service, signal),
  });
}

/** SERVICE_UNKNOWN for a name that is not known. */
function statusOf({ unreadyReason, readinessNames }: HealthState, name: string): ServingStatus {
  if (name === livenessName) {
    return ServingStatus.SERVING;
  }
  if (!readinessNames.has(name)) {
    return ServingStatus.SERVICE_UNKNOWN;
  }
  return unreadyReason() === undefined ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

/** @throws ConnectError NOT_FOUND for a name that is not known. */
function knownStatusOf(health: HealthState, name: string): ServingStatus {
  const status = statusOf(health, name);
  if (status === ServingStatus.SERVICE_UNKNOWN) {
    throw new ConnectError(`unknown service ${JSON.stringify(name)}`, Code.NotFound);
  }
  return status;
}

/** The status now, and again whenever it has changed, until the caller or the service ends the stream. */
async function* watchStatus(
  health: HealthState,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<{ status: ServingStatus }> {
  const { stopping } = health;
  let resolveWait: (() => void) | undefined;
  const wake = () => resolveWait?.();
  health.wakers.add(wake);
  signal.addEventListener('abort', wake);
  startTimer(health);
  try {
    let sent: ServingStatus | undefined;
    while (!signal.aborted) {
      const status = statusOf(health, name);
      if (status !== sent) {
        sent = status;
        yield { status };
      } else if (stopping.aborted) {
        throw stoppingError();
      } else {
        await new Promise<void>((resolve) => {
          resolveWait = resolve;
        });
      }
    }
    throw ConnectError.from(signal.reason, Code.Canceled);
  } finally {
    health.wakers.delete(wake);
    signal.removeEventListener('abort', wake);
  }
}

/** Readiness is asked for and emits no event, so it is polled; one timer serves all open streams. */
function startTimer(health: HealthState): void {
  const { clock, stopping } = health;
  if (health.timer === undefined && health.wakers.size > 0 && !stopping.aborted) {
    health.timer = clock.setTimer(watchIntervalMs, () => {
      health.timer = undefined;
      wakeAll(health);
      startTimer(health);
    });
  }
}

function wakeAll({ wakers }: HealthState): void {
  for (const wake of wakers) {
    wake();
  }
}

import { Code, ConnectError } from '@connectrpc/connect';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../../gen/grpc/health/v1/health_pb.js';
import type { Clock, Timer } from '../../base/clock.ts';
import { registerService, type ServiceRegistration } from '../connect/service-registration.ts';
import { stoppingError } from './until-stopping.ts';

/** What the health service goes by. */
export interface HealthOptions {
  readonly clock: Clock;
  /** Full names of the services that are ready when the process is. */
  readonly serviceNames: readonly string[];
  /** What keeps the service from taking calls, or undefined when nothing does. */
  readonly unreadyReason: () => string | undefined;
  /** Ends open Watch streams, after they were told. */
  readonly stopping: AbortSignal;
}

const unknown = ServingStatus.SERVICE_UNKNOWN;

/** Between two looks at what open Watch streams have to be told, in milliseconds. */
const watchIntervalMs = 1_000;

/**
 * `grpc.health.v1.Health`. The names "" (the process), `readiness` and the services' follow readiness;
 * `liveness` is always serving, because a process that drains must not be killed for it.
 */
export function createHealth(options: HealthOptions): ServiceRegistration {
  const { clock, unreadyReason, stopping } = options;
  const readinessNames = new Set(['', 'readiness', ...options.serviceNames]);
  const names = [...readinessNames, 'liveness'];
  /** One per open Watch: makes it look again. */
  const watchers = new Set<() => void>();
  let timer: Timer | undefined;

  /** Undefined for a name that is not known. */
  function statusOf(name: string): ServingStatus | undefined {
    if (name === 'liveness') {
      return ServingStatus.SERVING;
    }
    if (!readinessNames.has(name)) {
      return undefined;
    }
    return unreadyReason() === undefined ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  // Readiness is a question, not an event. One timer asks it for all, while anybody watches.
  function wakeLater(): void {
    if (timer === undefined && watchers.size > 0 && !stopping.aborted) {
      timer = clock.setTimer(watchIntervalMs, () => {
        timer = undefined;
        wakeAll();
        wakeLater();
      });
    }
  }

  function wakeAll(): void {
    for (const wake of watchers) {
      wake();
    }
  }

  stopping.addEventListener('abort', () => {
    timer?.cancel();
    wakeAll();
  });

  return registerService(Health, {
    check({ service }) {
      const status = statusOf(service);
      if (status === undefined) {
        throw new ConnectError(`unknown service ${JSON.stringify(service)}`, Code.NotFound);
      }
      return { status };
    },

    list: () => ({
      statuses: Object.fromEntries(names.map((name) => [name, { status: statusOf(name) ?? unknown }])),
    }),

    async *watch({ service }, { signal }) {
      let wake: (() => void) | undefined;
      const onWake = () => wake?.();
      watchers.add(onWake);
      signal.addEventListener('abort', onWake);
      wakeLater();
      try {
        let told: ServingStatus | undefined;
        while (!signal.aborted) {
          const status = statusOf(service) ?? unknown;
          if (status !== told) {
            told = status;
            yield { status };
          } else if (stopping.aborted) {
            throw stoppingError();
          } else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
        throw ConnectError.from(signal.reason, Code.Canceled);
      } finally {
        watchers.delete(onWake);
        signal.removeEventListener('abort', onWake);
      }
    },
  });
}

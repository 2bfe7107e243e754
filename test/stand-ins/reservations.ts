import type { ServerResponse } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { type ReservationCall, startReservationApi } from '../worker/support.ts';

/** A reservation API that can hold its answers back, or refuse. */
export interface Reservations {
  readonly url: string;
  readonly calls: readonly ReservationCall[];
  /** Calls behind so many wait for their answers. */
  holdAfter(calls: number): void;
  /** Answers what waits, and all that comes. */
  release(): void;
  /** Answers 503 for this reservation. */
  refuse(id: string): void;
  /** Answers 200 for all. */
  refuseNone(): void;
  /** What each reservation became, by its id, in the order of the calls. */
  statuses(): ReadonlyMap<string, readonly unknown[]>;
  /** Waits for so many calls. @throws when they are not in in time. */
  untilCalls(count: number, withinMs?: number): Promise<void>;
}

/** Starts it on loopback; it stops when the test is finished. */
export async function startReservations(): Promise<Reservations> {
  let freely = Infinity;
  const held: ServerResponse[] = [];
  const refused = new Set<string>();
  const api = await startReservationApi({ onTestFinished }, (response, call) => {
    if (refused.has(idOf(call))) {
      response.writeHead(503).end();
    } else if (api.calls.length <= freely) {
      response.end('{}');
    } else {
      held.push(response);
    }
  });
  return {
    url: api.url,
    calls: api.calls,
    holdAfter: (calls) => void (freely = calls),
    release() {
      freely = Infinity;
      held.splice(0).forEach((response) => response.end('{}'));
    },
    refuse: (id) => void refused.add(id),
    refuseNone: () => refused.clear(),
    statuses() {
      const statuses = new Map<string, unknown[]>();
      for (const call of api.calls) {
        const { status } = call.body as { readonly status?: unknown };
        statuses.set(idOf(call), [...(statuses.get(idOf(call)) ?? []), status]);
      }
      return statuses;
    },
    async untilCalls(count, withinMs = 30_000) {
      await expect
        .poll(() => api.calls.length, { timeout: withinMs, interval: 20 })
        .toBeGreaterThanOrEqual(count);
    },
  };
}

function idOf({ path }: ReservationCall): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

import type { Clock } from '../../base/clock.ts';
import { memoize } from '../../base/memoize.ts';
import type { WebhookAttempt } from './attempt.ts';
import type { Admission, WebhookCircuits } from './circuits.ts';
import type { NoConnection, OnAcquired, WebhookConnection, WebhookConnections } from './connections.ts';
import type { WebhookDelivery } from './delivery.ts';
import type { AttemptResult } from './request.ts';
import { toWebhookTarget, type WebhookTarget } from './target.ts';

/** What came of a delivery whose turn it was. */
export type Turn =
  | { readonly kind: 'attempted'; readonly atMs: number; readonly result: AttemptResult }
  /** The origin's circuit is open. */
  | { readonly kind: 'blocked'; readonly untilMs: number }
  /** Too many wait for a connection. */
  | { readonly kind: 'overflow' }
  /** The shutdown came first. */
  | { readonly kind: 'shutdown' };

/** What turns are made of. */
export interface WebhookTurnsDeps {
  readonly clock: Clock;
  readonly connections: WebhookConnections;
  readonly circuits: WebhookCircuits;
  readonly attempt: WebhookAttempt;
  /** Longest wait for a connection, in milliseconds; undefined: as long as it takes. */
  readonly maxWaitMs: number | undefined;
}

/**
 * Lets a delivery have its turn: when its origin's circuit is closed and there is a connection, an attempt
 * is made.
 *
 * @param isEnding whether attempts must not begin any more.
 * @param onTurn called once, perhaps before the function returns. Must not throw.
 */
export type TakeTurn = (
  delivery: WebhookDelivery,
  isEnding: () => boolean,
  onTurn: (turn: Turn) => void,
) => void;

/** Addresses that are kept taken apart, which costs as much as to sign a webhook. */
const maxTargets = 1_000;

/** See `TakeTurn`. A delivery that waits for a connection is one closure: thousands may have to. */
export function createWebhookTurns(deps: WebhookTurnsDeps): TakeTurn {
  const { clock, connections, circuits, maxWaitMs } = deps;
  const targetOf = memoize(toWebhookTarget, maxTargets);

  function acquire(origin: string, onAcquired: OnAcquired): void {
    if (maxWaitMs === undefined) {
      connections.acquire(origin, onAcquired);
    } else {
      acquireWithin(maxWaitMs, origin, onAcquired);
    }
  }

  /** As `connections.acquire`, but full when there is none in time. */
  function acquireWithin(waitMs: number, origin: string, onAcquired: OnAcquired): void {
    let isLate = false;
    const timer = clock.setTimer(waitMs, () => {
      isLate = true;
      onAcquired('full');
    });
    connections.acquire(origin, (connection) => {
      if (!isLate) {
        timer.cancel();
        onAcquired(connection);
      } else if (typeof connection === 'object') {
        connection.release();
      }
    });
  }

  function turnWithout(reason: NoConnection, origin: string): Turn {
    switch (reason) {
      case 'closed':
        return { kind: 'shutdown' };
      case 'full':
        return { kind: 'overflow' };
      case 'dismissed':
        return { kind: 'blocked', untilMs: circuits.blockedUntilMs(origin) ?? clock.now() };
    }
  }

  async function attempt(
    connection: WebhookConnection,
    admission: Admission,
    delivery: WebhookDelivery,
    { origin, path }: WebhookTarget,
  ): Promise<Turn> {
    const atMs = clock.now();
    const result = await deps.attempt(connection.client, delivery, path);
    // Told before the connection is free, or the next in line would use it on a dead origin.
    if (circuits.report(origin, admission, isAlive(result))) {
      connections.dismiss(origin);
    }
    connection.release();
    return { kind: 'attempted', atMs, result };
  }

  return (delivery, isEnding, onTurn) => {
    const target = targetOf(delivery.url);
    const { origin } = target;
    const blockedUntilMs = circuits.blockedUntilMs(origin);
    if (blockedUntilMs !== undefined) {
      onTurn({ kind: 'blocked', untilMs: blockedUntilMs });
      return;
    }
    acquire(origin, (connection) => {
      if (typeof connection === 'string') {
        onTurn(turnWithout(connection, origin));
        return;
      }
      if (isEnding()) {
        connection.release();
        onTurn({ kind: 'shutdown' });
        return;
      }
      const admission = circuits.admit(origin);
      if (typeof admission === 'object') {
        connection.release();
        onTurn({ kind: 'blocked', untilMs: admission.blockedUntilMs });
        return;
      }
      void attempt(connection, admission, delivery, target).then(onTurn);
    });
  };
}

/** Whether somebody is there who can answer, whatever the answer was to this one delivery. */
function isAlive(result: AttemptResult): boolean {
  if (result.outcome === 'delivered' || !result.failure.retryable) {
    return true;
  }
  return result.statusCode !== undefined && result.statusCode < 500;
}

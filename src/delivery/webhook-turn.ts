import type { Clock, Timer } from '../clock.ts';
import type { WebhookAttempt } from './webhook-attempt.ts';
import type { WebhookCircuits } from './webhook-circuits.ts';
import type { NoConnection, WebhookConnection, WebhookConnections } from './webhook-connections.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';
import type { AttemptResult } from './webhook-request.ts';

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
 * is made. Never rejects.
 *
 * @param isEnding whether attempts must not begin any more.
 */
export type TakeTurn = (delivery: WebhookDelivery, isEnding: () => boolean) => Promise<Turn>;

/** See `TakeTurn`. */
export function createWebhookTurns(deps: WebhookTurnsDeps): TakeTurn {
  const { clock, connections, circuits } = deps;

  /** As `acquire`, but full when there is none in time. */
  async function acquireWithin(maxWaitMs: number, origin: string): Promise<WebhookConnection | NoConnection> {
    const acquired = connections.acquire(origin);
    let timer: Timer | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = clock.setTimer(maxWaitMs, () => resolve('late'));
    });
    const first = await Promise.race([acquired, late]);
    timer?.cancel();
    if (first !== 'late') {
      return first;
    }
    void acquired.then((connection) => typeof connection === 'object' && connection.release());
    return 'full';
  }

  return async (delivery, isEnding) => {
    const url = new URL(delivery.url);
    const { origin } = url;
    const blockedUntilMs = circuits.blockedUntilMs(origin);
    if (blockedUntilMs !== undefined) {
      return { kind: 'blocked', untilMs: blockedUntilMs };
    }
    const connection = await (deps.maxWaitMs === undefined
      ? connections.acquire(origin)
      : acquireWithin(deps.maxWaitMs, origin));
    switch (connection) {
      case 'closed':
        return { kind: 'shutdown' };
      case 'full':
        return { kind: 'overflow' };
      case 'dismissed':
        return { kind: 'blocked', untilMs: circuits.blockedUntilMs(origin) ?? clock.now() };
    }
    if (isEnding()) {
      connection.release();
      return { kind: 'shutdown' };
    }
    const admission = circuits.admit(origin);
    if (typeof admission === 'object') {
      connection.release();
      return { kind: 'blocked', untilMs: admission.blockedUntilMs };
    }
    const atMs = clock.now();
    const result = await deps.attempt(connection.client, delivery, url);
    // Told before the connection is free, or the next in line would use it on a dead origin.
    if (circuits.report(origin, admission, isAlive(result))) {
      connections.dismiss(origin);
    }
    connection.release();
    return { kind: 'attempted', atMs, result };
  };
}

/** Whether somebody is there who can answer, whatever the answer was to this one delivery. */
function isAlive(result: AttemptResult): boolean {
  if (result.outcome === 'delivered' || !result.failure.retryable) {
    return true;
  }
  return result.statusCode !== undefined && result.statusCode < 500;
}

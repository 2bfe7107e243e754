import { clockOf, type MachineClock, type SimClock } from '../../base/clock.ts';
import { describeError } from '../../base/error-text.ts';
import { memoize } from '../../base/memoize.ts';
import type { AttemptResult } from '../retry-policy.ts';
import type { WebhookDelivery } from '../delivery.ts';
import type { WebhookAttempt } from './attempt.ts';
import type { Admission, WebhookCircuits } from './circuits.ts';
import type { NoConnection, OnAcquired, WebhookConnection, WebhookConnections } from './connections.ts';
import { toWebhookTarget, type WebhookTarget } from './request.ts';

/** What came of a delivery whose turn it was. */
export type Turn =
  | { readonly kind: 'attempted'; readonly atMs: number; readonly result: AttemptResult }
  /** The origin's circuit is open, for so long. */
  | { readonly kind: 'blocked'; readonly forMs: number }
  /** Too many wait for a connection. */
  | { readonly kind: 'overflow' }
  /** The shutdown came first. */
  | { readonly kind: 'shutdown' };

interface WebhookTurnsDeps {
  readonly clock: SimClock;
  readonly machine: MachineClock;
  readonly connections: WebhookConnections;
  readonly circuits: WebhookCircuits;
  readonly attempt: WebhookAttempt;
  /** Longest wait for a connection, in milliseconds; undefined: as long as it takes. */
  readonly maxConnectionWaitMs: number | undefined;
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

/** See `TakeTurn`. */
export function createWebhookTurns(deps: WebhookTurnsDeps): TakeTurn {
  const targetOf = memoize(toWebhookTarget, maxTargets);
  return (delivery, isEnding, onTurn) => {
    const target = targetOf(delivery.url);
    const blockedForMs = circuitsOf(deps, delivery).blockedForMs(target.origin);
    if (blockedForMs !== undefined) {
      onTurn({ kind: 'blocked', forMs: blockedForMs });
      return;
    }
    // A delivery that waits for a connection is this one closure: thousands may have to.
    acquire(deps, target.origin, (connection) =>
      useConnection(deps, connection, delivery, target, isEnding, onTurn),
    );
  };
}

function useConnection(
  deps: WebhookTurnsDeps,
  connection: WebhookConnection | NoConnection,
  delivery: WebhookDelivery,
  target: WebhookTarget,
  isEnding: () => boolean,
  onTurn: (turn: Turn) => void,
): void {
  if (typeof connection === 'string') {
    onTurn(turnWithout(circuitsOf(deps, delivery), connection, target.origin));
    return;
  }
  if (isEnding()) {
    connection.release();
    onTurn({ kind: 'shutdown' });
    return;
  }
  const admission = circuitsOf(deps, delivery).admit(target.origin);
  if (typeof admission === 'object') {
    connection.release();
    onTurn({ kind: 'blocked', forMs: admission.blockedForMs });
    return;
  }
  void attempt(deps, connection, admission, delivery, target).then(onTurn);
}

function circuitsOf({ circuits }: WebhookTurnsDeps, { event }: WebhookDelivery): WebhookCircuits {
  return circuits.of(event.sessionId);
}

async function attempt(
  { clock, circuits, connections, attempt: send }: WebhookTurnsDeps,
  connection: WebhookConnection,
  admission: Admission,
  delivery: WebhookDelivery,
  { origin, path }: WebhookTarget,
): Promise<Turn> {
  const atMs = clockOf(clock, delivery.event.sessionId).now();
  // Whatever goes wrong, the connection is given back and the circuit is told: a probe that never ends would
  // block its origin for good.
  const result = await send(connection.client, delivery, path).catch(defectOf);
  // Told before the connection is free, or the next in line would use it on a dead origin.
  if (circuits.of(delivery.event.sessionId).report(origin, admission, isAlive(result))) {
    connections.dismiss(origin);
  }
  connection.release();
  return { kind: 'attempted', atMs, result };
}

function defectOf(error: unknown): AttemptResult {
  const failure = { reason: 'internal', retryable: true };
  return { outcome: 'failed', failure, detail: describeError(error) };
}

function acquire(deps: WebhookTurnsDeps, origin: string, onAcquired: OnAcquired): void {
  if (deps.maxConnectionWaitMs === undefined) {
    deps.connections.acquire(origin, onAcquired);
  } else {
    acquireWithin(deps, deps.maxConnectionWaitMs, origin, onAcquired);
  }
}

/** As `connections.acquire`, but full when there is none in time. */
function acquireWithin(
  { machine, connections }: WebhookTurnsDeps,
  waitMs: number,
  origin: string,
  onAcquired: OnAcquired,
): void {
  let isLate = false;
  const timer = machine.setTimer(waitMs, () => {
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

function turnWithout(circuits: WebhookCircuits, reason: NoConnection, origin: string): Turn {
  switch (reason) {
    case 'closed':
      return { kind: 'shutdown' };
    case 'full':
      return { kind: 'overflow' };
    case 'dismissed':
      return { kind: 'blocked', forMs: circuits.blockedForMs(origin) ?? 0 };
  }
}

/**
 * Whether somebody is there who can answer, whatever the answer was to this one delivery. Who says when to
 * come again is: each delivery keeps to that by itself, and is not to wait for the others besides.
 */
function isAlive(result: AttemptResult): boolean {
  if (result.outcome === 'delivered' || !result.failure.retryable) {
    return true;
  }
  const { statusCode, failure } = result;
  return failure.retryAfterMs !== undefined || (statusCode !== undefined && statusCode < 500);
}

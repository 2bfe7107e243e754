import { createHash } from 'node:crypto';
import type { RandomSource } from '../base/random.ts';
import { createRecentMap, type RecentMap } from '../base/recent-map.ts';
import type { Payment, SettlementStatus } from './payment.ts';

/** Decides what becomes of payments of the scenario RANDOM. */
export interface RandomOutcomes {
  /** The outcome of the next payment of a reservation. */
  next(reservationId: string): SettlementStatus;
  /** Takes the outcome of a payment back that was refused after all. Only where the order of payments counts. */
  readonly giveBack?: (payment: Payment) => void;
}

/** So many reservations are remembered with their number of payments, about 10 MB. */
const maxReservations = 100_000;

/** Outcomes drawn one after the other, `failureRate` (0 to 1) of them FAILED. */
export function createRandomOutcomes(failureRate: number, random: RandomSource): RandomOutcomes {
  return { next: () => (random() < failureRate ? 'FAILED' : 'COMPLETED') };
}

interface SeededState {
  readonly failureRate: number;
  readonly seed: number;
  /** How many outcomes each reservation has had. */
  readonly counts: RecentMap<{ before: number }>;
  /** Outcomes that were given back, the first to be used again first. Nearly always empty. */
  readonly givenBack: Map<string, SettlementStatus[]>;
}

/**
 * Outcomes that follow from `seed` (any integer), the reservation and how many RANDOM payments it has had
 * before, and from nothing else: calls that come in another order, or are refused, change none. Counts are kept
 * in this process for the last 100,000 reservations; one that is forgotten begins anew.
 */
export function createSeededOutcomes(failureRate: number, seed: number): RandomOutcomes {
  const self: SeededState = {
    failureRate,
    seed,
    counts: createRecentMap(maxReservations),
    givenBack: new Map(),
  };
  return {
    next: (reservationId) => takeGivenBack(self, reservationId) ?? drawNext(self, reservationId),
    giveBack: (payment) => giveBack(self, payment),
  };
}

function drawNext({ failureRate, seed, counts }: SeededState, reservationId: string): SettlementStatus {
  const count = counts.take(reservationId, () => ({ before: 0 }));
  const drawn = drawOf(seed, reservationId, count.before);
  count.before += 1;
  return drawn < failureRate ? 'FAILED' : 'COMPLETED';
}

/** The first 32 bits of a SHA-256, as a number from 0 to below 1: evenly spread, and alike everywhere. */
export function drawOf(seed: number, reservationId: string, before: number): number {
  const digest = createHash('sha256').update(`${seed}:${before}:${reservationId}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

function takeGivenBack({ givenBack }: SeededState, reservationId: string): SettlementStatus | undefined {
  const outcomes = givenBack.get(reservationId);
  const outcome = outcomes?.shift();
  if (outcomes?.length === 0) {
    givenBack.delete(reservationId);
  }
  return outcome;
}

/** As many as the counts: what is refused over and over for ever new reservations must not gather. */
function giveBack({ givenBack }: SeededState, { reservationId, plannedOutcome }: Payment): void {
  const outcomes = givenBack.get(reservationId);
  if (outcomes !== undefined) {
    outcomes.push(plannedOutcome);
  } else if (givenBack.size < maxReservations) {
    givenBack.set(reservationId, [plannedOutcome]);
  }
}

import type { Delivery } from './delivery.ts';

/** The ways out. */
export type ChannelName = 'eventbridge' | 'webhook';

/**
 * Why a delivery was given up: out of attempts, refused for good (by the receiver, or by the egress
 * policy), the process ended, there was no room to wait, or the queue of waiting deliveries failed.
 */
export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** Every reason there is. */
export const deadLetterReasons = ['exhausted', 'refused', 'shutdown', 'overflow', 'queue_failed'] as const;

/** An event that one channel could not deliver. */
export interface DeadLetter {
  readonly channel: ChannelName;
  /** With its attempts. */
  readonly delivery: Delivery;
  /** Of a webhook. */
  readonly url: string | undefined;
  readonly reason: DeadLetterReason;
  /** What the last attempt failed with, or why there was none. */
  readonly error: string;
}

/** Where dead letters go besides the log. */
export interface DeadLetterQueue {
  /** Takes the letter over. Returns at once and never throws. */
  send(letter: DeadLetter): void;
  /** Resolves when all letters are sent or given up, after `withinMs` at the latest. */
  drain(withinMs: number): Promise<void>;
}

/** ISO 8601, or undefined, which neither JSON nor message attributes mention. */
export function isoTime(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

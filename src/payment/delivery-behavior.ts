import type { DeliveryBehavior, SettledStatus, SignatureFault, SimulatedChannel } from './payment.ts';
import { add, type Violations } from './violations.ts';
import { maxCopies, maxDelayMs, wantedCopies, wantedDelay } from './wanted-values.ts';

/** How they shall be delivered, as it came in. `'unknown'`: a number that has no name. */
export interface DeliveryInput {
  readonly channel: SimulatedChannel | undefined | 'unknown';
  readonly copies: number;
  readonly delayMs: number;
  readonly drop: boolean;
  readonly holdUntilNextEvent: boolean;
  readonly signature: SignatureFault | undefined | 'unknown';
  /** PENDING is none that could be told. */
  readonly conflictingStatus: SettledStatus | 'PENDING' | undefined | 'unknown';
}

/** Notes what is wrong, contradictions included. */
export function validateDelivery(
  violations: Violations,
  field: string,
  input: DeliveryInput,
): DeliveryBehavior {
  const { channel, copies, delayMs, signature, conflictingStatus: status } = input;
  if (channel === 'unknown') {
    add(
      violations,
      `${field}.channel`,
      'must be SIMULATED_CHANNEL_WEBHOOK (1) or _EVENTBRIDGE (2), or not given for both',
    );
  }
  if (copies < 0 || copies > maxCopies) {
    add(violations, `${field}.copies`, `must be ${wantedCopies}`);
  }
  if (delayMs < 0 || delayMs > maxDelayMs) {
    add(violations, `${field}.delay_ms`, `must be ${wantedDelay}`);
  }
  if (signature === 'unknown') {
    add(
      violations,
      `${field}.signature`,
      'must be SIMULATED_SIGNATURE_WRONG_SECRET (1), _MISSING (2), _STALE (3) or _TAMPERED (4)',
    );
  }
  if (signature !== undefined && channel === 'eventbridge') {
    add(violations, `${field}.signature`, 'contradicts the channel: events of EventBridge are not signed');
  }
  if (status === 'unknown' || status === 'PENDING') {
    add(
      violations,
      `${field}.conflicting_status`,
      'must be a status other than PENDING, which is never told',
    );
  }
  checkTogether(violations, field, input);
  return {
    channel: channel === 'unknown' ? undefined : channel,
    copies: Math.max(1, copies),
    delayMs,
    drop: input.drop,
    holdUntilNextEvent: input.holdUntilNextEvent,
    signature: signature === 'unknown' ? undefined : signature,
    conflictingStatus: status === 'unknown' || status === 'PENDING' ? undefined : status,
  };
}

function checkTogether(violations: Violations, field: string, input: DeliveryInput): void {
  const { copies, delayMs, drop, holdUntilNextEvent, signature, conflictingStatus } = input;
  const others = {
    copies: copies > 1,
    delay_ms: delayMs > 0,
    hold_until_next_event: holdUntilNextEvent,
    signature: signature !== undefined,
    conflicting_status: conflictingStatus !== undefined,
  };
  for (const [name, isGiven] of Object.entries(others)) {
    if (drop && isGiven) {
      add(violations, `${field}.${name}`, 'contradicts drop: what is dropped is not sent in any way');
    }
  }
  if (holdUntilNextEvent && delayMs > 0) {
    add(
      violations,
      `${field}.delay_ms`,
      'contradicts hold_until_next_event: the next event is what it waits for',
    );
  }
  if (!drop && !Object.values(others).includes(true)) {
    add(violations, field, 'must say what shall happen, such as {"copies": 2}');
  }
}

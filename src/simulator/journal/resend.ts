import { nextLoop } from '../../base/next-loop.ts';
import { type BehaviorInput, validateBehavior } from '../../payment/behavior.ts';
import { invalidField } from '../../payment/errors.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import type { DeliveryBehavior, SimulatedChannel } from '../../payment/payment.ts';
import { add, throwIfAny, type Violations } from '../../payment/violations.ts';
import { SteeringError } from '../errors.ts';
import { isInScope } from '../session.ts';
import { type LoggedDelivery, noPageLimit } from './delivery-log.ts';
import type { JournalStore } from './ports.ts';

/** What to send again. */
export interface ResendInput {
  readonly which:
    | { readonly kind: 'event'; readonly eventId: string }
    | { readonly kind: 'payment'; readonly paymentId: string }
    /** Of a session; undefined: of all. By the machine's clock, in milliseconds since the epoch. */
    | { readonly kind: 'given-up'; readonly sinceMs: number; readonly sessionId: string | undefined };
  readonly simulation: BehaviorInput | undefined;
  readonly dryRun: boolean;
}

/** Sends an event by a channel again, as usual unless `behavior` says otherwise; ends when it is accounted for. */
export type SendAgain = (
  event: PaymentEvent,
  channel: SimulatedChannel,
  behavior: DeliveryBehavior | undefined,
) => Promise<void>;

interface ResendDeps {
  readonly store: Pick<JournalStore, 'journal' | 'refresh'>;
  readonly sendAgain: SendAgain;
}

/**
 * Sends events again, and gives back their deliveries as they were before.
 *
 * @throws PaymentError `invalid-request`, and `too-many-bytes-pending` when there is no room for all of them: what
 *   has been sent by then is not given up any more. SteeringError `nothing-to-resend`.
 */
export type Resend = (input: ResendInput) => Promise<readonly LoggedDelivery[]>;

/** So many are handed over at once; then others have their turn. */
const perSlice = 50;

/** See `Resend`. */
export function createResend(deps: ResendDeps): Resend {
  return async ({ which, simulation, dryRun }) => {
    const behavior = validate(simulation);
    await deps.store.refresh();
    const found = find(deps.store, which).filter(
      ({ channel }) => behavior?.channel === undefined || behavior.channel === channel,
    );
    if (found.length === 0 && which.kind !== 'given-up') {
      throw new SteeringError({ kind: 'nothing-to-resend', what: nameOf(which) });
    }
    const before = found.map(copyOf);
    if (!dryRun) {
      await sendAll(deps, before, behavior);
    }
    return before;
  };
}

/** What is sent changes the delivery. */
function copyOf(delivery: LoggedDelivery): LoggedDelivery {
  return { ...delivery };
}

async function sendAll(
  { sendAgain }: ResendDeps,
  deliveries: readonly LoggedDelivery[],
  behavior: DeliveryBehavior | undefined,
): Promise<void> {
  for (let sent = 0; sent < deliveries.length; sent += perSlice) {
    await Promise.all(
      deliveries
        .slice(sent, sent + perSlice)
        .map(({ event, channel }) => sendAgain(event, channel, behavior)),
    );
    await nextLoop();
  }
}

function nameOf(which: Exclude<ResendInput['which'], { kind: 'given-up' }>): string {
  return which.kind === 'event' ? `event ${which.eventId}` : `payment ${which.paymentId}`;
}

function find({ journal }: ResendDeps['store'], which: ResendInput['which']): readonly LoggedDelivery[] {
  switch (which.kind) {
    case 'event':
      return journal.deliveries.find(({ event }) => event.id === which.eventId);
    case 'payment':
      return journal.deliveries.list({ paymentId: which.paymentId }, undefined, noPageLimit).deliveries;
    case 'given-up': {
      const { sinceMs, sessionId } = which;
      return journal.deliveries.find(
        ({ status, changedAtMs, event }) =>
          status === 'GIVEN_UP' && changedAtMs >= sinceMs && isInScope(event.sessionId, sessionId),
      );
    }
  }
}

function validate(simulation: BehaviorInput | undefined): DeliveryBehavior | undefined {
  if (simulation === undefined) {
    return undefined;
  }
  const violations: Violations = [];
  const { delivery, ...others } = validateBehavior(violations, 'simulation', simulation);
  throwIfAny(violations);
  if (delivery === undefined || Object.values(others).some((value) => value !== undefined)) {
    throw invalidField('simulation', 'must have delivery, and nothing else: the payment has happened');
  }
  for (const [name, isGiven] of [
    ['drop', delivery.drop],
    ['hold_until_next_event', delivery.holdUntilNextEvent],
  ] as const) {
    if (isGiven) {
      add(violations, `simulation.delivery.${name}`, 'contradicts sending it again; leave it out');
    }
  }
  throwIfAny(violations);
  return delivery;
}

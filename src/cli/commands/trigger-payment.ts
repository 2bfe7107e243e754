import { create } from '@bufbuild/protobuf';
import {
  CreatePaymentIntentRequestSchema,
  PaymentScenarioSchema,
  SimulatedChannel,
} from '../../../gen/payment/v1/payment_pb.js';
import {
  DeliveryStatus,
  type JournalEntry,
  JournalEntrySchema,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { behaviorHeader } from '../../contracts/payment-v1/behavior-header.ts';
import { allSessions } from '../../simulator/session.ts';
import { followJournal } from '../common/follow-journal.ts';
import { formatEntry } from '../common/life-line.ts';
import { paint, printError, printJson, printLine, printPainted } from '../common/output.ts';
import { connectService, type Service, type ServiceOptions } from '../common/service.ts';

/** What a payment shall be, and how long to wait for its webhook. */
export interface TriggerOptions extends ServiceOptions {
  readonly scenario: string;
  readonly behavior?: string;
  readonly amount: number;
  readonly currency: string;
  readonly user: string;
  readonly reservation: string;
  readonly webhookUrl?: string;
  /** Seconds. */
  readonly timeout: number;
}

/** A payment, as it is watched. */
interface Watched {
  readonly isJson: boolean;
  /** What came before its id was known. */
  readonly early: JournalEntry[];
  paymentId?: string;
  /** Whether its webhook was taken, once that is decided. */
  arrived?: boolean;
  /** Ends the watch. */
  readonly end: AbortController;
}

/** Makes the payment, prints what happens, and resolves with whether its webhook arrived. */
export async function triggerPayment(options: TriggerOptions): Promise<boolean> {
  const { timeout, json, behavior } = options;
  const service = connectService(options, false);
  const self: Watched = { isJson: json === true, early: [], end: new AbortController() };
  const request = create(CreatePaymentIntentRequestSchema, await describePayment(service, options));
  const timer = setTimeout(() => self.end.abort(), timeout * 1_000);
  let failure: unknown;
  // Watched from before the payment, so that nothing of its life is missed, and in all sessions: one may claim it.
  await followJournal(
    connectService({ ...options, session: allSessions }, true),
    { filter: {}, from: '', signal: self.end.signal },
    {
      opened() {
        const headers = behavior === undefined ? {} : { [behaviorHeader]: behavior };
        service.payments.createPaymentIntent(request, { headers }).then(
          ({ paymentIntentId }) => begin(self, paymentIntentId),
          (error: unknown) => {
            failure = error;
            self.end.abort();
          },
        );
      },
      entry: (entry) => tell(self, entry),
      skipped: (count) => printError(`${count} entries were forgotten`),
      broken: printError,
    },
  );
  clearTimeout(timer);
  if (failure !== undefined) {
    throw failure;
  }
  if (!self.isJson) {
    sayEnd(self.arrived, timeout);
  }
  return self.arrived === true;
}

function begin(self: Watched, paymentId: string): void {
  self.paymentId = paymentId;
  if (!self.isJson) {
    printPainted(`${paint('dim', 'payment')} ${paint('bold', paymentId)}`);
  }
  self.early.forEach((entry) => tell(self, entry));
}

function tell(self: Watched, entry: JournalEntry): void {
  if (self.paymentId === undefined) {
    self.early.push(entry);
  } else if (self.arrived === undefined && entry.paymentIntentId === self.paymentId) {
    if (self.isJson) {
      printJson(JournalEntrySchema, entry);
    } else {
      printPainted(formatEntry(entry));
    }
    const arrived = hasArrived(entry);
    if (arrived !== undefined) {
      self.arrived = arrived;
      self.end.abort();
    }
  }
}

async function describePayment(service: Service, options: TriggerOptions) {
  const { scenario, amount, currency, user, reservation, webhookUrl } = options;
  return {
    reservationId: reservation,
    userId: user,
    amount: { amount: BigInt(amount), currency },
    scenario:
      PaymentScenarioSchema.values.find(({ localName }) => localName === scenario.toUpperCase())?.number ?? 0,
    webhookUrl: webhookUrl ?? (await usualReceiver(service)),
  };
}

/** The session's own, or the built-in one. */
async function usualReceiver({ simulator }: Service): Promise<string> {
  const [{ session }, { address }] = await Promise.all([
    simulator.getSession({}),
    simulator.listReceived({ pageSize: 1 }),
  ]);
  const own = session?.webhookUrl ?? '';
  return own === '' ? address : own;
}

/** Whether the webhook of the outcome has arrived; undefined while that is open. */
function hasArrived({ what }: JournalEntry): boolean | undefined {
  if (what.case !== 'delivery' || what.value.channel !== SimulatedChannel.WEBHOOK) {
    return undefined;
  }
  const { status } = what.value;
  return status === DeliveryStatus.DELIVERED
    ? true
    : status === DeliveryStatus.GIVEN_UP || status === DeliveryStatus.SIMULATED
      ? false
      : undefined;
}

function sayEnd(arrived: boolean | undefined, seconds: number): void {
  if (arrived === true) {
    printPainted(paint('green', 'Its webhook arrived.'));
  } else if (arrived === false) {
    printLine('Its webhook has ended without being taken.');
  } else {
    printLine(`Its webhook has not arrived within ${seconds} s; payment-sim tail shows what happens on.`);
  }
}

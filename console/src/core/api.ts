import { type CallOptions, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { signal } from '@preact/signals';
import { PaymentService } from '../../../gen/payment/v1/payment_pb.js';
import { SimulatorService } from '../../../gen/simulator/v1/simulator_pb.js';
import { scope } from './router.ts';

const transport = createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true });

/** What a gateway has. */
export const payments = createClient(PaymentService, transport);
/** What a tester has; only where `canSteer`. */
export const simulator = createClient(SimulatorService, transport);

/** Whether SIMULATOR_API is on; without it the console only reads. Undefined until it is known. */
export const canSteer = signal<boolean | undefined>(undefined);

const sessionHeader = 'payment-sim-session';
/** Of calls that only read: rules are not about them, and the journal does not have them. */
const observing = { 'payment-sim-observer': '1' };
/** Of calls that only read, in milliseconds. */
const timeoutMs = 10_000;

/** For calls about the session that is shown, which may be all of them. */
export function inScope(): CallOptions {
  return {
    timeoutMs,
    headers: { ...observing, ...(scope.value !== '' && { [sessionHeader]: scope.value }) },
  };
}

/** For calls that read by an id, whichever session it belongs to. */
export function looking(): CallOptions {
  return { timeoutMs, headers: observing };
}

/** For calls about one session; empty for the global one. */
export function inSession(id: string): CallOptions {
  return { headers: id === '' ? {} : { [sessionHeader]: id } };
}

/** The session that something new is made in: the one that is shown, or the global one. */
export function ownSession(): string {
  return scope.value === '*' ? '' : scope.value;
}

/** Asks whether testers may steer here. */
export async function findOutWhetherToSteer(): Promise<void> {
  try {
    await simulator.listRules({}, { timeoutMs });
    canSteer.value = true;
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unimplemented) {
      throw error;
    }
    canSteer.value = false;
  }
}

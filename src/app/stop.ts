import { runSteps } from '../base/run-steps.ts';
import { within } from '../base/within.ts';
import type { Payments, StoredPayments } from '../payment/ports.ts';
import type { State } from '../state/state.ts';
import type { Basics } from './basics.ts';
import type { Exits } from './channels.ts';
import { closeOps, endCalls, type Ports } from './ports.ts';

/* The part of the composition root (app.ts) that says in which order everything ends. */

/** The end of the grace that is kept for the dead letters of what came too late, in milliseconds. */
const deadLetterGraceMs = 2_000;
/** For the last notes of attempts, which nothing depends on, in milliseconds. */
const notesMs = 500;
/** The same for the last spans; the grace, where there is more left of it. */
const spansMs = 500;
const maxSpansMs = 2_000;

/**
 * Ends everything in the order in which a payment goes through it: no new calls, calls in flight finish,
 * pending payments settle, their events go out; what did not within the grace is accounted for. All by the
 * machine's time: the simulation's may stand still. A step that fails keeps no later one from its work.
 *
 * @throws as `runSteps` does.
 */
export async function stopAll(
  { config, machine, logger, traces }: Basics,
  { delivery, deadLetterQueue, attemptNotes, closeWebhooks }: Exits,
  { state, ports }: { readonly state: State; readonly ports: Ports },
): Promise<void> {
  const graceMs = config.shutdownGraceMs;
  const deadline = machine.monotonic() + graceMs;
  const leftMs = () => Math.max(0, deadline - machine.monotonic());
  const lettersMs = deadLetterQueue === undefined ? 0 : Math.min(deadLetterGraceMs, graceMs / 4);
  logger.info({ grace_ms: graceMs, ...(await countStored(state.payments)) }, 'Stopping');
  await runSteps([
    () => endCalls(ports, machine, graceMs / 2),
    // Payments due in the second half of the grace settle right away, so that their events have the time
    // to go out.
    () => state.payments.drain(leftMs() / 2),
    () => delivery.drain(Math.max(0, leftMs() - lettersMs)),
    () => deadLetterQueue?.drain(leftMs()),
    () => closeWebhooks(),
    () => within(machine, notesMs, Promise.all([attemptNotes?.written(), state.journal?.written()])),
    () => state.close(),
    // A collector that does not answer must not hold the stop up: what it has not taken by then is lost.
    () => traces && within(machine, Math.min(maxSpansMs, Math.max(spansMs, leftMs())), traces.close()),
    () => closeOps(ports, machine),
  ]);
  logger.info('Stopped');
}

/** How many payments are stored, for the log; nothing when that cannot be told. */
async function countStored(payments: Payments): Promise<StoredPayments | undefined> {
  try {
    return await payments.count();
  } catch {
    return undefined;
  }
}

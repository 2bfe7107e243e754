import { setTimeout as delay } from 'node:timers/promises';
import { intentMessage } from '../system/connect-json.ts';
import type { Cluster } from './cluster.ts';

/** What became of many creates. */
export interface CreatedPayments {
  /** Ids of those that were answered. */
  readonly acknowledged: string[];
  /** How many got no answer, or the answer that the service is unavailable: they may exist or not. */
  unanswered: number;
}

const callsAtATime = 64;
const backOffMs = 50;

/**
 * Creates payments, each at the next replica that is up, until so many are acknowledged. No call is
 * repeated: one that fails is another payment's, if any.
 *
 * @param count `Infinity` with an `isEnough`, which is asked before each call.
 * @param message of the nth.
 * @throws when an answer is neither good nor UNAVAILABLE, or no replica is up.
 */
export async function createPayments(
  cluster: Cluster,
  count: number,
  message: (nth: number) => Readonly<Record<string, unknown>>,
  onAcknowledged: (paymentId: string) => void = () => undefined,
  isEnough: () => boolean = () => false,
): Promise<CreatedPayments> {
  const created: CreatedPayments = { acknowledged: [], unanswered: 0 };
  let started = 0;
  let missing = count;

  async function createOne(): Promise<void> {
    const nth = started;
    started += 1;
    const up = cluster.replicas.filter((replica) => replica.isUp());
    const replica = up[nth % up.length];
    if (replica === undefined) {
      throw new Error('no replica is up');
    }
    const call = replica.call('CreatePaymentIntent', intentMessage(message(nth)));
    const answer = await call.catch(() => undefined);
    if (answer?.httpStatus === 200) {
      const paymentId = String(answer.body['payment_intent_id']);
      created.acknowledged.push(paymentId);
      onAcknowledged(paymentId);
      return;
    }
    if (answer !== undefined && answer.body['code'] !== 'unavailable') {
      throw new Error(`CreatePaymentIntent answered ${answer.httpStatus}: ${JSON.stringify(answer.body)}`);
    }
    created.unanswered += 1;
    missing += 1;
    // As a client would, so that an outage is not a busy loop.
    await delay(backOffMs);
  }

  async function work(): Promise<void> {
    while (missing > 0 && !isEnough()) {
      missing -= 1;
      await createOne();
    }
  }

  await Promise.all(Array.from({ length: Math.min(callsAtATime, count) }, work));
  return created;
}

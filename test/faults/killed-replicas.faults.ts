import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../support/seeded-random.ts';
import { type ClusterReplica, startCluster } from '../support/cluster.ts';
import { type Outcomes, startOutcomes } from '../support/outcomes.ts';
import { createPayments } from '../support/payment-load.ts';
import { checkNothingPending, checkSettledOnce } from '../support/settled-once.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';

requireRedisInCi();

const rounds = 20;
/** At every kill at least so many payments are acknowledged and have not arrived on both channels. */
const inFlightTarget = Number(process.env['FAULT_PAYMENTS'] ?? 5_000);
/** Created in each round at least; the kill comes somewhere within, so that creates are cut off as well. */
const roundSpan = 300;
const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 2 ** 32);
/** From a kill to the takeover of what the killed replica had in hand, and all retries, in milliseconds. */
const recoveryMs = 120_000;

describe.skipIf(missingRedis !== undefined)('three replicas on one Redis, killed at random', () => {
  test(
    `${rounds} times with ${inFlightTarget} payments in flight: all settle once and arrive on both channels`,
    { timeout: 300_000 },
    async () => {
      // Apart from the kills, whose choices thus do not depend on how fast payments are made.
      const [random, randomKill] = [createSeededRandom(seed), createSeededRandom((seed + 1) % 2 ** 32)];
      const [redis, outcomes] = await Promise.all([startRedisServer(), startOutcomes()]);
      const cluster = await startCluster(3, { env: { ...outcomes.env, REDIS_URL: redis.url } });
      const acknowledged: string[] = [];
      /** Acknowledged, and not arrived on both channels yet. */
      const inFlight = new Set<string>();
      outcomes.onComplete((paymentId) => inFlight.delete(paymentId));
      let unanswered = 0;
      const inFlightAtKill: number[] = [];

      const message = () => ({
        webhook_url: outcomes.webhookUrl,
        scenario: random() < 0.5 ? 'PAYMENT_SCENARIO_APPROVE' : 'PAYMENT_SCENARIO_FAIL',
        simulation: { delay_ms: 5_000 + Math.floor(random() * 15_000) },
      });
      async function create(isEnough: () => boolean, onCreated: () => void = () => undefined): Promise<void> {
        const onAcknowledged = (paymentId: string) => {
          acknowledged.push(paymentId);
          if (!isComplete(outcomes, paymentId)) {
            inFlight.add(paymentId);
          }
          onCreated();
        };
        const created = await createPayments(cluster, Infinity, message, onAcknowledged, isEnough);
        unanswered += created.unanswered;
      }

      await create(() => inFlight.size >= inFlightTarget);
      const restarts = new Set<Promise<void>>();
      function restart(replica: ClusterReplica): void {
        const restarted = replica.restart().finally(() => restarts.delete(restarted));
        restarts.add(restarted);
      }
      for (let round = 1; round <= rounds; round += 1) {
        // The one that was killed before may still be starting: then a single one is left.
        if (restarts.size > 1) {
          await Promise.race(restarts);
        }
        const up = cluster.replicas.filter((replica) => replica.isUp());
        const victim = up[Math.floor(randomKill() * up.length)] as ClusterReplica;
        const killAfter = Math.floor(randomKill() * roundSpan);
        let created = 0;
        let killed: Promise<void> | undefined;
        await create(
          () => created > roundSpan && killed !== undefined,
          () => {
            created += 1;
            if (killed === undefined && created > killAfter && inFlight.size >= inFlightTarget) {
              inFlightAtKill.push(inFlight.size);
              killed = victim.kill();
            }
          },
        );
        await killed;
        restart(victim);
      }
      await Promise.all(restarts);

      const startedAtMs = performance.now();
      await outcomes.whenComplete(acknowledged, recoveryMs);
      // Those whose creation was cut off: what is there goes all the way as well.
      await outcomes.whenComplete(outcomes.received.keys(), recoveryMs);
      const recoveredMs = Math.round(performance.now() - startedAtMs);
      await checkSettledOnce(cluster, outcomes, acknowledged);
      await checkNothingPending(cluster);
      const known = new Set(acknowledged);
      const unknown = [...outcomes.received.keys()].filter((paymentId) => !known.has(paymentId)).length;
      console.log(
        `seed ${seed}: ${rounds} kills with ${Math.min(...inFlightAtKill)} to ${Math.max(...inFlightAtKill)} ` +
          `payments in flight; ${acknowledged.length} acknowledged, all settled once and arrived on both ` +
          `channels; ${unanswered} creates unanswered, of which ${unknown} took place; delivered again: ` +
          `${JSON.stringify(outcomes.countDuplicates())}; all there ${recoveredMs} ms after the last restart`,
      );
      expect(inFlightAtKill).toHaveLength(rounds);
    },
  );
});

function isComplete({ received }: Outcomes, paymentId: string): boolean {
  const outcome = received.get(paymentId);
  return outcome !== undefined && outcome.webhooks > 0 && outcome.events > 0;
}

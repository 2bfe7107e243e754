import { type GrpcLoad, grpcLoad } from '../lib/grpc-load.ts';
import { cpuMicros, residentBytes } from '../lib/process-usage.ts';
import { type Service, startService } from '../lib/service.ts';

/** What some thousand stored payments do to throughput and memory. */
export interface StoredResult {
  readonly stored: number;
  /** One pair per round: the empty service and the full one. */
  readonly rounds: readonly { readonly empty: Throughput; readonly full: Throughput }[];
  readonly heapBytesPerPayment: number;
  readonly residentBytesPerPayment: number;
}

/** Of one service under load. */
export interface Throughput {
  /** Creates per second. */
  readonly perSecond: number;
  /** CPU time of one payment, its settlement included, in microseconds; the warm-up counts. */
  readonly cpuMicros: number;
}

const env = { MAX_PAYMENTS: '4000000' };

/** As many calls in flight as keep the service busy, and a warm-up longer than the payments' two seconds. */
const load: Omit<GrpcLoad, 'port'> = { connections: 10, streams: 10, seconds: 3, warmUpSeconds: 3 };

const created = 'payment_intents_created_total{scenario="APPROVE"}';

/**
 * Fills one service, then measures it and an empty one in turns, so that a machine that gets slower
 * slows both. The empty one is a new process in every round, or it would not stay empty.
 */
export async function measureStored(stored: number, roundCount: number): Promise<StoredResult> {
  const full = await startService(env, { probe: true });
  // A fifth warms up, whatever the machine makes of it in a given time.
  const fill = { port: full.apiPort, connections: load.connections, streams: load.streams };
  await grpcLoad({ ...fill, calls: stored / 5 });
  const before = await memory(full);
  await grpcLoad({ ...fill, calls: stored - before.payments });
  const after = await memory(full);
  const payments = after.payments - before.payments;

  const rounds: { empty: Throughput; full: Throughput }[] = [];
  for (let round = 0; round < roundCount; round += 1) {
    const empty = await startService(env);
    rounds.push({ empty: await throughput(empty), full: await throughput(full) });
    await empty.stop();
  }
  await full.stop();
  return {
    stored: after.payments,
    rounds,
    heapBytesPerPayment: (after.heap - before.heap) / payments,
    residentBytesPerPayment: (after.resident - before.resident) / payments,
  };
}

async function throughput(service: Service): Promise<Throughput> {
  const before = { cpu: cpuMicros(service.pid), payments: await service.metric(created) };
  const { perSecond, failed } = await grpcLoad({ ...load, port: service.apiPort });
  if (failed > 0) {
    throw new Error(`${failed} calls failed`);
  }
  await service.settled();
  const payments = (await service.metric(created)) - before.payments;
  return { perSecond, cpuMicros: (cpuMicros(service.pid) - before.cpu) / payments };
}

/** The resident size is taken before the collection: it is what a user sees. */
async function memory(service: Service) {
  await service.settled();
  const resident = residentBytes(service.pid);
  const payments = await service.metric('payment_stored{state="settled"}');
  return { resident, payments, heap: await service.heapUsed() };
}

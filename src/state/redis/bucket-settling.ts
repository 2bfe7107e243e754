import { createRoom, type Room } from '../../base/room.ts';
import { HandedOverError } from '../../payment/errors.ts';
import { firstEvent } from '../../payment/lifecycle.ts';
import { isSettled, type Payment } from '../../payment/payment.ts';
import type { PaymentHandlers } from '../../payment/ports.ts';
import type { BucketEntry, BucketReader } from './bucket-reader.ts';
import { reportFailure } from './job-failures.ts';
import { bucketOf, decodePayment } from './payment-record.ts';
import type { PaymentRecords, StoredPayment } from './payment-records.ts';

interface SettlingDeps {
  readonly records: Pick<PaymentRecords, 'load' | 'change'>;
  readonly bucketReader: BucketReader;
  readonly handlers: PaymentHandlers;
  readonly isDraining: () => boolean;
}

/**
 * Payments of a shard that are settled and announced at the same time by this process. They wait for an attempt at
 * each channel, of which few may be slow: see `maxSlowAttempts` in app/channels.ts.
 */
const maxUnderWay = 300;

/** A payment of a bucket that is due. */
interface DueEntry extends BucketEntry {
  readonly shard: number;
  readonly bucket: string;
}

/**
 * The job of a bucket: settles its payments and announces them, each of which leaves the bucket when all is handed
 * over. A job that is run again, since one of them failed or its process died, finds those that have not left. A
 * payment that is settled already is announced: then a call settled it and put it here, or an earlier run did.
 */
export function settleBucket(deps: SettlingDeps): (shard: number, bucket: string) => Promise<void> {
  const rooms = new Map<number, Room>();
  return async (shard, bucket) => {
    const room = rooms.get(shard) ?? createRoom(maxUnderWay);
    rooms.set(shard, room);
    // The next part begins at a place that only the server knows which gave the one before. After a failover, a
    // restart or a move of the slot it leaves some out, so what took several parts is read until one has all.
    let parts: number;
    do {
      parts = await settleParts(deps, { shard, bucket, room, underWay: [], errors: [] });
    } while (parts > 1);
  };
}

/** Settles what the bucket has. @returns in how many parts it was read. */
async function settleParts(deps: SettlingDeps, run: BucketRun): Promise<number> {
  let parts = 0;
  try {
    parts = await beginAll(deps, run);
  } catch (error) {
    run.errors.push(error);
  }
  // Whoever runs the job again must not find them under way here.
  await Promise.all(run.underWay);
  if (run.errors.length > 0) {
    throw run.errors[0];
  }
  return parts;
}

/** One run of the job of a bucket. */
interface BucketRun {
  readonly shard: number;
  readonly bucket: string;
  readonly room: Room;
  readonly underWay: Promise<void>[];
  readonly errors: unknown[];
}

/**
 * @returns in how many parts the bucket was read.
 * @throws HandedOverError when this process ends meanwhile: another one goes on with the rest.
 */
async function beginAll(
  deps: SettlingDeps,
  { shard, bucket, room, underWay, errors }: BucketRun,
): Promise<number> {
  let parts = 0;
  for await (const entries of deps.bucketReader.entries(shard, bucket)) {
    parts += 1;
    for (const entry of entries) {
      await room.enter();
      if (deps.isDraining()) {
        room.leave();
        throw new HandedOverError();
      }
      const ended = settleEntry(deps, { ...entry, shard, bucket })
        .catch((error: unknown) => void errors.push(error))
        .finally(room.leave);
      underWay.push(ended);
    }
  }
  return parts;
}

async function settleEntry(deps: SettlingDeps, entry: DueEntry): Promise<void> {
  const { handlers, bucketReader } = deps;
  try {
    const payment = await settle(deps, entry);
    if (payment !== undefined && isSettled(payment)) {
      await handlers.announce(firstEvent(payment));
    }
    await bucketReader.told(entry.shard, entry.bucket, entry.id);
  } catch (error) {
    reportFailure(handlers, entry.id, error);
    throw error;
  }
}

/** The payment as this bucket is to announce it; undefined when it is gone, or another bucket has it now. */
async function settle(
  { records, handlers }: SettlingDeps,
  { id, bucket, record }: DueEntry,
): Promise<Payment | undefined> {
  let stored: StoredPayment | undefined =
    record === '' ? undefined : { payment: decodePayment(id, record), record };
  while (stored !== undefined && bucketOf(stored.record) === bucket) {
    if (isSettled(stored.payment)) {
      return stored.payment;
    }
    const change = handlers.settle(stored.payment);
    if (await records.change(stored, change)) {
      handlers.changed(change);
      return change.payment;
    }
    // A call was faster, or another process that has the same job.
    stored = await records.load(id);
  }
  return undefined;
}

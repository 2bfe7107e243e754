import { crc16, slotCount } from './hash-slot.ts';

/**
 * Up to so many masters, each with an equal range of slots as `redis-cli --cluster create` deals them out,
 * none has more than one shard more than another.
 */
const maxMasters = 12;

/**
 * The hash tags of so many shards (1 to 64), in the order of the shards. The slot of shard i is just above the
 * middle of the i-th of that many equal ranges, so that masters have the same number of shards, as far as it
 * divides. Tags of different numbers of shards are different: replicas that do not agree share no keys.
 */
export function createShardTags(shards: number): readonly string[] {
  // A middle and the border of a master's range are equal, or this far apart; half a slot is lost by rounding.
  const tolerance = Math.floor(slotCount / (2 * shards * maxMasters)) - 2;
  return Array.from({ length: shards }, (_, shard) => {
    const middle = Math.floor(((shard + 0.5) * slotCount) / shards);
    const start = `payment-sim:${shards}:${shard}:`;
    const startCrc = crc16(start);
    for (let salt = 0; ; salt += 1) {
      const above = (crc16(String(salt), startCrc) % slotCount) - middle;
      if (above > 0 && above <= tolerance) {
        return start + String(salt);
      }
    }
  });
}

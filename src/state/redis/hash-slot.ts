/** How many hash slots a Redis cluster has. */
export const slotCount = 16_384;

/** The polynomial of CRC-16/XMODEM. */
const polynomial = 0x1021;

/**
 * CRC-16/XMODEM. Modulo `slotCount` it is the slot in which a Redis cluster keeps all keys with a hash tag, see
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model.
 *
 * @param text ASCII.
 * @param start the checksum of what stands before `text`.
 */
export function crc16(text: string, start = 0): number {
  let crc = start;
  for (let i = 0; i < text.length; i += 1) {
    crc ^= text.charCodeAt(i) << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ polynomial;
    }
    crc &= 0xffff;
  }
  return crc;
}

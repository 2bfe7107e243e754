/**
 * The text with at most `maxBytes` bytes of UTF-8. What is cut ends in "…", and never within a character.
 *
 * @param maxBytes at least 3, for the "…".
 */
export function cutText(text: string, maxBytes: number): string {
  // A UTF-16 code unit is at most three bytes.
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) {
    return text;
  }
  const bytes = Buffer.from(text);
  let end = maxBytes - ellipsisBytes;
  while (isContinuation(bytes[end])) {
    end -= 1;
  }
  return `${bytes.toString('utf8', 0, end)}…`;
}

const ellipsisBytes = 3;

/** Whether a byte of UTF-8 goes on with a character: 10xxxxxx. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

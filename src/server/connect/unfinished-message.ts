import { envelopeHeadBytes } from '../transport/envelope.ts';

/**
 * Follows the messages of a streaming call through the pieces that they come in.
 *
 * @returns takes the next piece and tells how many bytes have come of the message that is not complete.
 */
export function createUnfinishedMessage(): (piece: Uint8Array) => number {
  /** Of the message's head, and of its content, announced and received. */
  let head = 0;
  let announced = 0;
  let received = 0;

  function finishIfWhole(): void {
    if (head === envelopeHeadBytes && received === announced) {
      head = announced = received = 0;
    }
  }

  return (piece) => {
    for (let at = 0; at < piece.length;) {
      if (head < envelopeHeadBytes) {
        announced = head === 0 ? 0 : announced * 256 + (piece[at] ?? 0);
        head += 1;
        at += 1;
      } else {
        const bytes = Math.min(announced - received, piece.length - at);
        received += bytes;
        at += bytes;
      }
      finishIfWhole();
    }
    return head + received;
  };
}

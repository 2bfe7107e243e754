/** Room for short pieces is taken by so much at a time, in bytes; less at first. */
const blockBytes = 4_096;

/**
 * What of a body has come and has not been read. Pieces are copied, and short ones put together: a piece is a view of
 * all that was read from the connection with it, up to 64 KiB, and one of a byte is an object of a hundred.
 */
export class UnreadBody {
  readonly #full: Buffer[] = [];
  #block: Buffer | undefined;
  #used = 0;
  #bytes = 0;

  /** How much there is. It takes up to twice as much memory. */
  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    const room = this.#block === undefined ? 0 : this.#block.length - this.#used;
    if (this.#block === undefined || piece.length > room) {
      const doubled = Math.min(blockBytes, 2 * (this.#block?.length ?? 0));
      this.#closeBlock();
      this.#block = Buffer.allocUnsafeSlow(Math.max(piece.length, doubled));
    }
    piece.copy(this.#block, this.#used);
    this.#used += piece.length;
  }

  /** Takes the first of it; undefined when there is nothing. */
  take(): Buffer | undefined {
    if (this.#full.length === 0) {
      this.#closeBlock();
    }
    const piece = this.#full.shift();
    this.#bytes -= piece?.length ?? 0;
    return piece;
  }

  #closeBlock(): void {
    if (this.#block !== undefined) {
      this.#full.push(this.#block.subarray(0, this.#used));
      this.#block = undefined;
      this.#used = 0;
    }
  }
}

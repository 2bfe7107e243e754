/**
 * Waits for messages with a count, does something that often with so many at a time, and answers when
 * all are done.
 */
export function serveLoops(atATime: number, doOnce: (lane: number) => Promise<void>): void {
  process.on('message', (message) => {
    let left = Number(message);
    async function lane(index: number): Promise<void> {
      for (; left > 0;) {
        left -= 1;
        await doOnce(index);
      }
    }
    void Promise.all(Array.from({ length: atATime }, (_, index) => lane(index))).then(() =>
      process.send?.('done'),
    );
  });
}

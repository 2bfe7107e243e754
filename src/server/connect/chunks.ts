/**
 * The chunks of a response after `first` has been taken from them, each as `change` makes it; `atEnd` is
 * called when they have ended. Not an async generator: one that stands at a `yield` could not tell the
 * chunks' own generator of a failed write, and the handler at its other end would never be ended.
 */
export function changeChunks(
  first: IteratorResult<Uint8Array>,
  chunks: AsyncIterator<Uint8Array>,
  change: (chunk: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  atEnd?: () => void,
): AsyncIterableIterator<Uint8Array> {
  let taken: IteratorResult<Uint8Array> | undefined = first;

  async function next(): Promise<IteratorResult<Uint8Array>> {
    const result = taken ?? (await chunks.next());
    taken = undefined;
    if (result.done === true) {
      atEnd?.();
      return result;
    }
    return { done: false, value: await change(result.value) };
  }

  return {
    next,
    throw: async (error: unknown) => (await chunks.throw?.(error)) ?? ended,
    return: async () => (await chunks.return?.()) ?? ended,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const ended: IteratorReturnResult<undefined> = { done: true, value: undefined };

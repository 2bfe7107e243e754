/** Loaded into the service with `--expose-gc --import`: tells its heap when the benchmark asks. */
process.on('message', (message) => {
  if (message === 'heapUsed') {
    globalThis.gc?.();
    globalThis.gc?.();
    process.send?.(process.memoryUsage().heapUsed);
  }
});

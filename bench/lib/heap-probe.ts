/** Loaded into the service with `--expose-gc --import`: tells its heap when the benchmark asks. */
process.on('message', (message) => {
  if (message === 'heapUsed') {
    // With the pages that an ordinary collection keeps for later.
    globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
    globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
    process.send?.(process.memoryUsage().heapUsed);
  }
});

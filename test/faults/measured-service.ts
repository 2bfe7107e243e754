// The service as a child process that tells how much memory it holds. Needs --expose-gc.
import { buildApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/app/config.ts';

const app = await buildApp(loadConfig(process.env), { logDestination: { write: () => undefined } });
process.send?.(await app.start());

/** An ordinary collection leaves V8 with pages that it does not need at the moment; this one gives them back. */
function collect(): void {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
}

process.on('message', () => {
  // Twice: what the first frees may have held on to more through finalizers.
  collect();
  setImmediate(() => {
    collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send?.({ heldBytes: heapUsed + external, rssBytes: rss });
  });
});
process.on('disconnect', () => process.exit());

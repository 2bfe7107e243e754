import { once } from 'node:events';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

/* What the estimates of the journal's memory are worth: see src/simulator/journal/entry-bytes.ts. */

interface Measured {
  /** By the journal's own count. */
  readonly countedBytes: number;
  /** What the heap has more than before, after a collection. */
  readonly heldBytes: number;
  readonly entries: number;
  readonly deliveries: number;
}

test.each(['small', 'long'])('a full journal takes what it says, with %s texts', async (texts) => {
  const child = fork(fileURLToPath(new URL('full-journal.ts', import.meta.url)), [texts], {
    execArgv: ['--expose-gc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [measured] = (await once(child, 'message')) as [Measured];
  const { countedBytes, heldBytes, entries, deliveries } = measured;
  process.stdout.write(
    `${texts}: ${entries} entries and ${deliveries} deliveries, ${Math.round(countedBytes / 1e6)} MB counted, ${Math.round(heldBytes / 1e6)} MB held\n`,
  );
  expect(countedBytes).toBeLessThanOrEqual(33_554_432);
  expect(countedBytes).toBeGreaterThan(30_000_000);
  expect(heldBytes).toBeLessThan(countedBytes * 1.1);
});

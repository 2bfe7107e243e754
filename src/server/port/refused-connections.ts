import type { Server } from 'node:net';
import type { MachineClock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';

/** At most one line in this time, in milliseconds: thousands of connections may be refused in a second. */
const logIntervalMs = 10_000;

/** Counts the connections that a server refuses because it has `maxConnections`, and logs some of them. */
export function reportRefusedConnections(
  server: Server,
  deps: { readonly clock: MachineClock; readonly logger: Logger; readonly counter: { inc(): void } },
): void {
  const { clock, logger, counter } = deps;
  let loggedAtMs = -Infinity;
  let unlogged = 0;
  server.on('drop', () => {
    counter.inc();
    unlogged += 1;
    const nowMs = clock.now();
    if (nowMs - loggedAtMs >= logIntervalMs) {
      logger.warn({ refused: unlogged, max_connections: server.maxConnections }, 'Connections refused');
      loggedAtMs = nowMs;
      unlogged = 0;
    }
  });
}

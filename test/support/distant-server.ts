import { onTestFinished } from 'vitest';
import { type DistantServer, startDistantServer as start } from '../../dev/distant-server.ts';

/** As in dev/distant-server.ts; stops when the test is finished. */
export async function startDistantServer(port: number, roundTripMs: number): Promise<DistantServer> {
  const distant = await start(port, roundTripMs);
  onTestFinished(() => distant.stop());
  return distant;
}

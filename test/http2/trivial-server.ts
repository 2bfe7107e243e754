import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { ConnectionLimits } from '../../src/server/port/connection-limits.ts';
import { createDualProtocolServer } from '../../src/server/port/dual-protocol.ts';

export const limits: ConnectionLimits = {
  sniffTimeoutMs: 5_000,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  maxConcurrentStreams: 100,
  maxConnections: 100,
  maxHeaderBytes: 16_384,
};

/** The port of a server whose requests go to the handler; it ends with the test. */
export async function startTrivialServer(
  handler: RequestListener,
  own: Partial<ConnectionLimits> = {},
): Promise<number> {
  const server = createDualProtocolServer(handler, { ...limits, ...own });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeHttp2Sessions();
    server.destroyConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Answers with these bytes when the whole request is there. */
export function answering(body: string | Buffer): RequestListener {
  return (request, response) => {
    request.resume().on('end', () => response.end(body));
  };
}

import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createDualProtocolServer } from '../../src/server/port/dual-protocol.ts';
import type { LaneRoute } from '../../src/server/lane/lane-types.ts';
import type { UnaryLane } from '../../src/server/lane/unary-lane.ts';
import {
  emptySettings,
  frameTypes,
  http2Frame,
  preface,
  receivedFrameTypes,
} from '../support/clients/http2-frames.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';

const limits = {
  sniffTimeoutMs: 5_000,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
  maxConcurrentStreams: 1_000,
  maxConnections: 10,
  maxHeaderBytes: 16_384,
};

/** A server that notes which paths cost it anything: those the lane answers and those the handler gets. */
async function startCountingServer() {
  const served: string[] = [];
  const lane: UnaryLane = {
    maxBodyBytes: 1_000,
    admit: ({ path }) => (path === '/lane' ? ({} as LaneRoute) : undefined),
    answer(_route, exchange) {
      served.push('/lane');
      exchange.write({ status: 200, headers: {}, body: undefined, trailers: undefined });
      return true;
    },
  };
  const server = createDualProtocolServer(
    (request, response) => {
      served.push(request.url ?? '');
      response.end();
    },
    limits,
    lane,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeHttp2Sessions();
    server.destroyConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, served };
}

function openStream(streamId: number, path: string, endStream: boolean): Buffer {
  // ":method: POST" and ":scheme: http" by their numbers, ":path" and ":authority" in full.
  const headers = Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04, path.length]),
    Buffer.from(path),
    Buffer.from([0x01, 1]),
    Buffer.from('x'),
  ]);
  return http2Frame(frameTypes.headers, endStream ? 0x05 : 0x04, streamId, headers);
}

test.each([
  ['/lane', 0x8, 'CANCEL'],
  ['/other', 0x8, 'CANCEL'],
  ['/lane', 0x2, 'INTERNAL_ERROR'],
  ['/other', 0x2, 'INTERNAL_ERROR'],
  ['/lane', 0x0, 'NO_ERROR'],
  ['/other', 0x0, 'NO_ERROR'],
])('calls of %s that are opened and reset (%i, %s) are not worked on', async (path, code) => {
  const { port, served } = await startCountingServer();
  const connection = await openRawConnection(port);
  const resets = Array.from({ length: 500 }, (_, i) =>
    Buffer.concat([
      openStream(2 * i + 1, path, false),
      http2Frame(frameTypes.rstStream, 0, 2 * i + 1, Buffer.from([0, 0, 0, code])),
    ]),
  );
  // One that is not reset comes last, so everything before it has been seen when it is answered.
  connection.send(
    Buffer.concat([Buffer.from(preface), emptySettings, ...resets, openStream(1_001, path, true)]),
  );
  await connection.waitUntil((bytes) => receivedFrameTypes(bytes).includes(frameTypes.headers));
  expect(served).toEqual([path]);
});

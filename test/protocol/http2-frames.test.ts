import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  emptySettings,
  frameTypes,
  http2Frame,
  preface,
  receivedFrameTypes,
} from '../support/clients/http2-frames.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { launchService, type RunningService, startService } from '../support/start-service.ts';
import { expectUnharmed } from './unharmed.ts';

vi.setConfig({ testTimeout: 5_000 });

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0' });
});

afterAll(async () => {
  await service.app.stop();
});

beforeEach(() => () => expectUnharmed(service));

const path = `${servicePath}/CreatePaymentIntent`;
describe('HTTP/2 that goes wrong', () => {
  test('an h2c header block that never ends costs the connection', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(Buffer.concat([Buffer.from(preface), emptySettings]));
    // A literal header without indexing, "x: <100 times x>", in each frame; END_HEADERS never set.
    const header = Buffer.concat([Buffer.from([0x00, 0x01, 0x78, 0x64]), Buffer.alloc(100, 'x')]);
    connection.send(http2Frame(frameTypes.headers, 0, 1, header));
    for (let i = 0; i < 2_000 && !connection.socket.closed; i++) {
      connection.send(http2Frame(frameTypes.continuation, 0, 1, header));
    }
    await connection.closed();
    expect(receivedFrameTypes(connection.received())).not.toContain(frameTypes.headers);
  });

  test.each([
    ['noise after the preface', Buffer.alloc(100, 0xab)],
    [
      'an HTTP/1.1 request after the preface',
      Buffer.from(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    ],
    ['a frame of 16 MB', Buffer.concat([emptySettings, Buffer.from('ffffff000000000001', 'hex')])],
    [
      'data on a stream that is not open',
      Buffer.concat([emptySettings, http2Frame(0, 0, 1, Buffer.alloc(5))]),
    ],
    [
      'headers that cannot be decompressed',
      Buffer.concat([emptySettings, http2Frame(1, 0x05, 1, Buffer.alloc(20, 0xff))]),
    ],
    [
      'a setting out of range',
      Buffer.concat([http2Frame(frameTypes.settings, 0, 0, Buffer.from('0002000000ff', 'hex'))]),
    ],
    ['a ping of the wrong size', Buffer.concat([emptySettings, http2Frame(6, 0, 0, Buffer.alloc(3))])],
  ])('%s costs the connection', async (_kind, bytes) => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(Buffer.concat([Buffer.from(preface), bytes]));
    await connection.closed();
    expect(receivedFrameTypes(connection.received())).toContain(frameTypes.goaway);
  });

  test.each([
    [900, 'are passed over', frameTypes.headers],
    [2_000, 'cost the connection', frameTypes.goaway],
  ])('%i empty DATA frames that end nothing %s', async (count, _what, expected) => {
    const connection = await openRawConnection(service.apiPort);
    const start = [Buffer.from(preface), emptySettings];
    const call = http2Frame(frameTypes.headers, 0x04, 1, callHeaders('application/grpc'));
    const empties = Array.from({ length: count }, () => http2Frame(frameTypes.data, 0, 1, Buffer.alloc(0)));
    // An empty message, and the end.
    const end = http2Frame(frameTypes.data, 1, 1, Buffer.alloc(5));
    connection.send(Buffer.concat([...start, call, ...empties, end]));
    await connection.waitUntil((received) => receivedFrameTypes(received).includes(expected));
  });

  test('a wrong preface costs the connection', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.send('PRI * HTTP/1.0\r\n\r\nSM\r\n\r\n');
    await connection.closed();
  });

  test.each(['application/grpc', 'application/grpc+json'])(
    'rapid reset: calls of %s that are reset as soon as they are opened cost the connection',
    async (contentType) => {
      const connection = await openRawConnection(service.apiPort);
      connection.send(Buffer.concat([Buffer.from(preface), emptySettings]));
      const headers = callHeaders(contentType);
      const cancel = Buffer.from([0, 0, 0, 8]);
      for (let streamId = 1; streamId < 10_000 && !connection.socket.closed; streamId += 2) {
        connection.send(
          Buffer.concat([
            http2Frame(frameTypes.headers, 0x04, streamId, headers),
            http2Frame(frameTypes.rstStream, 0, streamId, cancel),
          ]),
        );
      }
      await connection.closed();
      expect(receivedFrameTypes(connection.received())).toContain(frameTypes.goaway);
    },
  );

  test('as many calls as a connection may have at once can be cancelled at once', async () => {
    const connection = await openRawConnection(service.apiPort);
    connection.send(Buffer.concat([Buffer.from(preface), emptySettings]));
    const streamIds = Array.from({ length: 1_000 }, (_, nth) => 2 * nth + 1);
    const headers = callHeaders('application/grpc');
    connection.send(Buffer.concat(streamIds.map((id) => http2Frame(frameTypes.headers, 0x04, id, headers))));
    const cancel = Buffer.from([0, 0, 0, 8]);
    connection.send(Buffer.concat(streamIds.map((id) => http2Frame(frameTypes.rstStream, 0, id, cancel))));
    connection.send(http2Frame(frameTypes.headers, 0x05, 2_001, headers));
    // The answer to the last call: an error, since it has no message.
    await connection.waitUntil((bytes) => receivedFrameTypes(bytes).includes(frameTypes.headers));
    expect(receivedFrameTypes(connection.received())).not.toContain(frameTypes.goaway);
  });
});

/** A header in HPACK's plainest form: the index of its name in the static table, its value in full. */
function literalHeader(nameIndex: readonly number[], value: string): Buffer {
  return Buffer.concat([Buffer.from([...nameIndex, value.length]), Buffer.from(value)]);
}

function callHeaders(contentType: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86]),
    literalHeader([0x04], path),
    literalHeader([0x01], 'localhost'),
    literalHeader([0x0f, 0x10], contentType),
  ]);
}

test.each(['application/json', 'application/grpc', 'application/grpc-web+proto', 'application/proto'])(
  'a body that is too large is answered and its stream closed before it ends: %s',
  async (contentType) => {
    const small = await startService({ READ_MAX_BYTES: '10000', SHUTDOWN_GRACE_MS: '0' });
    const connection = await openRawConnection(small.apiPort);
    const headers = callHeaders(contentType);
    const chunk = Buffer.alloc(16_000, 0x20);
    if (contentType.startsWith('application/grpc')) {
      chunk.writeUIntBE(1_000_000, 0, 5);
    }
    connection.send(
      Buffer.concat([
        Buffer.from(preface),
        emptySettings,
        http2Frame(frameTypes.headers, 0x04, 1, headers),
        http2Frame(frameTypes.data, 0, 1, chunk),
        http2Frame(frameTypes.data, 0, 1, chunk),
      ]),
    );
    // END_STREAM is never sent: without RST_STREAM the stream would stay open, and so would the caller.
    await connection.waitUntil((bytes) => receivedFrameTypes(bytes).includes(frameTypes.rstStream));
    const types = receivedFrameTypes(connection.received());
    expect(types.indexOf(frameTypes.headers)).toBeGreaterThan(0);
    expect(types.indexOf(frameTypes.headers)).toBeLessThan(types.indexOf(frameTypes.rstStream));
  },
);

import { emptySettings, http2Frame, preface } from '../support/clients/http2-frames.ts';
import { openRawConnection, type RawConnection } from '../support/clients/raw-connection.ts';
import { flags, type Frame, splitFrames, types } from './frames.ts';
import { indexedField, literalField } from './header-blocks.ts';

/** How the server ended a connection. */
interface End {
  /** Of its last GOAWAY; undefined where it sent none. */
  readonly errorCode: number | undefined;
  readonly lastStreamId: number | undefined;
}

/** A client that sends whatever frames a test likes. */
export interface Http2Peer {
  readonly connection: RawConnection;
  send(...frames: readonly Uint8Array[]): void;
  /** All frames that came so far. */
  frames(): readonly Frame[];
  /** The first frame that is such a one, as soon as it has come; rejects when the server closes before. */
  next(isSuch: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves when the server has worked off all that was sent before: it has answered a PING. */
  workedOff(): Promise<void>;
  /** Resolves when the server has closed the connection. */
  ended(): Promise<End>;
}

/** Connects and sends the preface, with these settings (6 bytes each). */
export async function openHttp2Peer(
  port: number,
  settings: Uint8Array = Buffer.alloc(0),
): Promise<Http2Peer> {
  const connection = await openRawConnection(port);
  const firstSettings = settings.length === 0 ? emptySettings : http2Frame(types.settings, 0, 0, settings);
  connection.send(Buffer.concat([Buffer.from(preface), firstSettings]));
  const frames = () => splitFrames(connection.received());
  let pings = 0;

  async function next(isSuch: (frame: Frame) => boolean): Promise<Frame> {
    await connection.waitUntil((received) => splitFrames(received).some(isSuch));
    const found = frames().find(isSuch);
    if (found === undefined) {
      throw new Error('a frame that was there is not');
    }
    return found;
  }

  return {
    connection,
    send: (...all) => connection.send(Buffer.concat(all)),
    frames,
    next,
    async workedOff() {
      pings += 1;
      const payload = Buffer.alloc(8, pings);
      connection.send(http2Frame(types.ping, 0, 0, payload));
      await next((frame) => frame.type === types.ping && frame.payload.equals(payload));
    },
    async ended() {
      await connection.closed();
      const goaway = frames().findLast((frame) => frame.type === types.goaway);
      return {
        errorCode: goaway?.payload.readUInt32BE(4),
        lastStreamId: goaway?.payload.readUInt32BE(0),
      };
    },
  };
}

/** The id of the nth stream of a client, from 0. */
export function streamIdOf(nth: number): number {
  return 2 * nth + 1;
}

export interface RequestHead {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly contentType?: string;
  /** Names and values of other fields. */
  readonly more?: readonly (readonly [name: string, value: string])[];
}

/** The header block of a request, which takes nothing from the dynamic table and puts nothing in. */
export function requestBlock({ method = 'POST', path, contentType, more = [] }: RequestHead): Buffer {
  return Buffer.concat([
    indexedField(method === 'GET' ? 2 : 3),
    indexedField(6),
    literalField('literal', 4, path),
    literalField('literal', 1, 'localhost'),
    ...(contentType === undefined ? [] : [literalField('literal', 31, contentType)]),
    ...more.map(([name, value]) => literalField('literal', name, value)),
  ]);
}

const paymentStatus = '/payment.v1.PaymentService/GetPaymentStatus';

/** The head of a gRPC call, whose body follows. */
export function callBlock(path: string = paymentStatus): Buffer {
  return requestBlock({ path, contentType: 'application/grpc', more: [['te', 'trailers']] });
}

/** HEADERS of the nth stream, with END_HEADERS. */
export function openStream(nth: number, block: Uint8Array, isEnd = false): Buffer {
  return http2Frame(types.headers, flags.endHeaders | (isEnd ? flags.endStream : 0), streamIdOf(nth), block);
}

/** A whole gRPC call with an empty message, which is answered NOT_FOUND or as invalid. */
export function wholeCall(nth: number): Buffer {
  return Buffer.concat([
    openStream(nth, callBlock()),
    http2Frame(types.data, flags.endStream, streamIdOf(nth), Buffer.alloc(5)),
  ]);
}

/** Whether it is the end of the nth stream, by its last frame or by a reset. */
export function endsStream(nth: number): (frame: Frame) => boolean {
  return ({ type, flags: bits, streamId }) =>
    streamId === streamIdOf(nth) &&
    (type === types.rstStream ||
      ((type === types.data || type === types.headers) && (bits & flags.endStream) !== 0));
}

/** Whether it is HEADERS of an answer to the nth stream. */
export function answersStream(nth: number): (frame: Frame) => boolean {
  return ({ type, streamId }) => type === types.headers && streamId === streamIdOf(nth);
}

/** Whether it is RST_STREAM of the nth stream. */
export function resetsStream(nth: number): (frame: Frame) => boolean {
  return ({ type, streamId }) => type === types.rstStream && streamId === streamIdOf(nth);
}

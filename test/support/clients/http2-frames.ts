/** What an HTTP/2 client sends before anything else (RFC 9113, 3.4). */
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** The numbers of frame types. */
export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  continuation: 9,
};

/** A frame with whatever it shall hold. */
export function http2Frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const frameHead = Buffer.alloc(9);
  frameHead.writeUIntBE(payload.length, 0, 3);
  frameHead.writeUInt8(type, 3);
  frameHead.writeUInt8(flags, 4);
  frameHead.writeUInt32BE(streamId, 5);
  return Buffer.concat([frameHead, payload]);
}

/** The settings frame that must follow the preface, changing nothing. */
export const emptySettings = http2Frame(frameTypes.settings, 0, 0, Buffer.alloc(0));

/** The types of the whole frames in what a server sent. */
export function receivedFrameTypes(received: Buffer): readonly number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
    types.push(received.readUInt8(at + 3));
  }
  return types;
}

import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { CreatePaymentIntentRequestSchema } from '../../gen/payment/v1/payment_pb.js';

export const createPath = '/payment.v1.PaymentService/CreatePaymentIntent';

/**
 * A gRPC frame with an ordinary create.
 *
 * @param delayMs until it settles; what the service has as its default when not given.
 */
export function createFrame(webhookUrl = '', delayMs?: number): Buffer {
  const message = toBinary(
    CreatePaymentIntentRequestSchema,
    create(CreatePaymentIntentRequestSchema, {
      reservationId: 'reservation-bench-1',
      userId: 'user-bench-1',
      amount: { amount: 120_000n, currency: 'KRW' },
      webhookUrl,
      ...(delayMs === undefined ? {} : { simulation: { delayMs } }),
    }),
  );
  const frame = Buffer.alloc(5 + message.byteLength);
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, 5);
  return frame;
}

/**
 * Makes one gRPC call and resolves with its `grpc-status`.
 *
 * @throws when the stream or the connection fails.
 */
export async function grpcCall(session: ClientHttp2Session, frame: Buffer): Promise<string> {
  const stream = session.request({
    ':method': 'POST',
    ':path': createPath,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let status: unknown;
  // An answer without a body has its status in the headers.
  for (const event of ['response', 'trailers'] as const) {
    stream.on(event, (headers: Record<string, unknown>) => (status = headers['grpc-status'] ?? status));
  }
  stream.resume();
  stream.end(frame);
  await once(stream, 'close');
  if (typeof status !== 'string') {
    throw new Error('the call ended without a grpc-status');
  }
  return status;
}

/** Makes one create on a connection of its own. @throws when it does not answer OK. */
export async function callOnce(port: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    await once(session, 'connect');
    const status = await grpcCall(session, createFrame());
    if (status !== '0') {
      throw new Error(`grpc-status ${status}`);
    }
  } finally {
    session.destroy();
  }
}

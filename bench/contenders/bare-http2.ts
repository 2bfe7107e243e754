import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CreatePaymentIntentRequestSchema,
  CreatePaymentIntentResponseSchema,
  PaymentStatus,
} from '../../gen/payment/v1/payment_pb.js';

/** The platform's ceiling: raw HTTP/2 streams that decode the request, make an id and answer. */
const server = createServer();

server.on('stream', (stream) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => undefined);
  stream.on('end', () => {
    fromBinary(CreatePaymentIntentRequestSchema, Buffer.concat(chunks).subarray(5));
    const message = toBinary(
      CreatePaymentIntentResponseSchema,
      create(CreatePaymentIntentResponseSchema, {
        paymentIntentId: `pay-${randomUUID()}`,
        status: PaymentStatus.PENDING,
      }),
    );
    const frame = Buffer.alloc(5 + message.byteLength);
    frame.writeUInt32BE(message.byteLength, 1);
    frame.set(message, 5);
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.end(frame);
  });
});

server.listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('ready'));

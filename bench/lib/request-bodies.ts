import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { CreatePaymentIntentRequestSchema, PaymentScenario } from '../../gen/payment/v1/payment_pb.js';

const request = create(CreatePaymentIntentRequestSchema, {
  reservationId: 'rsv-0123456789abcdef',
  userId: 'user-42',
  amount: { amount: 120_000n, currency: 'KRW' },
  scenario: PaymentScenario.APPROVE,
});

/** Files with the create that every contender gets, as gRPC frame and as JSON. */
export function writeRequestBodies(): {
  readonly grpc: string;
  readonly json: string;
  readonly folder: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-bench-'));
  const message = toBinary(CreatePaymentIntentRequestSchema, request);
  const frame = Buffer.alloc(5 + message.byteLength);
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, 5);
  const files = { grpc: join(folder, 'create.grpc'), json: join(folder, 'create.json'), folder };
  writeFileSync(files.grpc, frame);
  writeFileSync(
    files.json,
    toJsonString(CreatePaymentIntentRequestSchema, request, { useProtoFieldName: true }),
  );
  return files;
}

export const grpcHeaders = ['content-type: application/grpc', 'te: trailers'];
export const jsonHeaders = ['content-type: application/json'];
export const createPath = '/payment.v1.PaymentService/CreatePaymentIntent';

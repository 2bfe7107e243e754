import { randomUUID } from 'node:crypto';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** What a user would pick instead: @grpc/grpc-js, its handler doing nothing but making an id. */
const definition = loadSync('payment/v1/payment.proto', {
  includeDirs: [new URL('../../proto', import.meta.url).pathname],
  keepCase: true,
});
const { payment } = loadPackageDefinition(definition) as unknown as {
  payment: { v1: { PaymentService: ServiceClientConstructor } };
};
const server = new Server();
server.addService(payment.v1.PaymentService.service, {
  CreatePaymentIntent(_call: unknown, callback: (error: null, response: unknown) => void) {
    callback(null, { payment_intent_id: `pay-${randomUUID()}`, status: 'PAYMENT_STATUS_PENDING' });
  },
});
server.bindAsync(`127.0.0.1:${process.env['PORT']}`, ServerCredentials.createInsecure(), () =>
  console.log('ready'),
);

import { cCore, grpcJs } from '../support/clients/grpc-errors/grpc-error-clients.ts';
import { testErrorsWith } from './grpc-error-cases.ts';

/* grpc-go is in test/faults: compiling it takes minutes. */
for (const client of [grpcJs, cCore]) {
  testErrorsWith(client.name, client.missing, () => client);
}

import { compileSchema } from '../support/clients/buf-command.ts';
import { createBufCurlClient } from '../support/clients/buf-curl-client.ts';
import { cases } from './cases.ts';
import { runCases } from './run-cases.ts';

// Each call starts a process: the essential cases over gRPC, and over the
// other protocols one of each outcome.
const essential = cases.filter((paymentCase) => paymentCase.essential);
const oneOfEach = essential.filter(({ name }) =>
  /^scenario: fail|^an idempotency key|every field|^NOT_FOUND|^INTERNAL|over READ_MAX_BYTES/.test(name),
);

const schema = compileSchema();

runCases('gRPC, buf curl', createBufCurlClient('grpc', schema), essential);
runCases('gRPC-Web, buf curl', createBufCurlClient('grpcweb', schema), oneOfEach);
runCases('Connect, buf curl', createBufCurlClient('connect', schema), oneOfEach);

import { create, createRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { createCallMetrics } from '../../src/observability/call-metrics.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createApiServer } from '../../src/server/api-server.ts';
import { registerService } from '../../src/server/connect/service-registration.ts';
import { createRefusalRecorder } from '../../src/server/refusal-recorder.ts';
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from './gen/connectrpc/conformance/v1/server_compat_pb.js';
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from './gen/connectrpc/conformance/v1/service_pb.js';
import { conformanceHandlers } from './handlers.ts';

/*
 * The API's own server with Connect's conformance service in it, as connectconformance starts it: what to be is read
 * from standard input, where it listens is written to standard output, each with its length in front.
 * UNARY_LANE=off leaves every call to Connect's stock handlers.
 */

const request = fromBinary(ServerCompatRequestSchema, await readMessage());
const logger = createLogger('silent', { write: () => undefined });
const { app, connections } = await createApiServer({
  services: [registerService(ConformanceService, conformanceHandlers)],
  interceptors: [],
  limits: {
    sniffTimeoutMs: 10_000,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    idleTimeoutMs: 60_000,
    maxConcurrentStreams: 1_000,
    maxConnections: 10_000,
    maxHeaderBytes: 16_384,
  },
  readMaxBytes: request.messageReceiveLimit === 0 ? 4_194_304 : request.messageReceiveLimit,
  corsOrigins: ['*'],
  registry: createRegistry(file_connectrpc_conformance_v1_service),
  unaryLane: process.env['UNARY_LANE'] !== 'off',
  recordRefusal: createRefusalRecorder({
    logger,
    metrics: createCallMetrics(new Registry()),
    newId: () => 'request-1',
  }),
  logger,
});
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address() as AddressInfo;
const response = toBinary(
  ServerCompatResponseSchema,
  create(ServerCompatResponseSchema, { host: '127.0.0.1', port }),
);
const head = Buffer.alloc(4);
head.writeUInt32BE(response.byteLength);
process.stdout.write(Buffer.concat([head, response]));
await once(process, 'SIGTERM');
connections.destroyConnections();
await app.close();

async function readMessage(): Promise<Uint8Array> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.byteLength >= 4 && bytes.byteLength >= 4 + bytes.readUInt32BE(0)) {
      break;
    }
  }
  return bytes.subarray(4, 4 + bytes.readUInt32BE(0));
}

import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { text } from 'node:stream/consumers';
import type { GrpcErrorCase, GrpcErrorRequest } from './grpc-error-clients.ts';

/* Makes the calls that standard input lists, by @grpc/grpc-js, and writes how each one ended. */

const algorithms = { gzip: 2, deflate: 1 };
const same = (bytes: Buffer) => bytes;

function write(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function endOf(client: Client, { name, path, kind, messages, deadlineMs }: GrpcErrorCase) {
  const [first = Buffer.alloc(0), ...rest] = messages.map((message) => Buffer.from(message, 'base64'));
  const options = { deadline: Date.now() + deadlineMs };
  return new Promise<ServiceError | null>((resolve) => {
    if (kind === 'unary') {
      client.makeUnaryRequest(path, same, same, first, options, resolve);
    } else if (kind === 'client_stream') {
      const call = client.makeClientStreamRequest(path, same, same, options, resolve);
      [first, ...rest].slice(0, messages.length).forEach((message) => call.write(message));
      call.end();
    } else if (kind === 'server_stream') {
      const call = client.makeServerStreamRequest(path, same, same, first, options);
      call.on('data', () => write({ name, event: 'message' }));
      call.on('error', (error: ServiceError) => resolve(error));
      call.on('end', () => resolve(null));
    } else {
      const call = client.makeBidiStreamRequest(path, same, same, options);
      call.on('data', () => write({ name, event: 'message' }));
      call.on('error', (error: ServiceError) => resolve(error));
      call.on('end', () => resolve(null));
      [first, ...rest].slice(0, messages.length).forEach((message) => call.write(message));
      call.end();
    }
  });
}

const { target, cases } = JSON.parse(await text(process.stdin)) as GrpcErrorRequest;
for (const one of cases) {
  const algorithm = one.compression === undefined ? 0 : algorithms[one.compression];
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': algorithm,
  });
  const error = await endOf(client, one);
  write({ name: one.name, code: error?.code ?? 0, message: error?.details ?? '' });
  client.close();
}

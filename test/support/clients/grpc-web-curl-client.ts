import { status as grpcStatus } from '@grpc/grpc-js';
import { curl, type CurlResponse, type HttpVersion } from './curl.ts';
import { type ClientFactory, type Outcome, servicePath } from './payment-client.ts';
import { decodeResponse, decodeStatusViolations, encodeRequest } from './proto-codec.ts';

const trailersFlag = 0x80;

/** gRPC-Web with hand-made frames through the `curl` command. */
export function createGrpcWebCurlClient(options: { readonly httpVersion: HttpVersion }): ClientFactory {
  return (apiUrl) => ({
    async call(method, request) {
      const response = await curl({
        url: `${apiUrl}${servicePath}/${method}`,
        httpVersion: options.httpVersion,
        headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' },
        body: frame(encodeRequest(method, request)),
      });
      const { messages, trailers } = readGrpcWebResponse(response);
      const failure = failureOf(trailers);
      const [message] = messages;
      if (failure !== undefined) {
        return failure;
      }
      if (message === undefined || messages.length > 1) {
        throw new Error(`a unary call was answered with ${messages.length} messages`);
      }
      return { ok: true, message: decodeResponse(method, message) };
    },
    close: () => undefined,
  });
}

/** Puts the five bytes of a gRPC frame before a message. */
export function frame(message: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Takes a gRPC-Web response apart; a trailers-only one has its trailers in the headers. */
export function readGrpcWebResponse(response: Pick<CurlResponse, 'status' | 'headers' | 'body'>): {
  readonly messages: readonly Buffer[];
  readonly trailers: Headers;
} {
  const [contentType = ''] = response.headers['content-type'] ?? [];
  if (response.status !== 200 || !contentType.startsWith('application/grpc-web')) {
    throw new Error(`no gRPC-Web response: HTTP ${response.status}, content-type ${contentType}`);
  }
  const messages: Buffer[] = [];
  const trailers = new Headers();
  for (const [name, values] of Object.entries(response.headers)) {
    if (name.startsWith('grpc-')) {
      trailers.set(name, values.join(','));
    }
  }
  for (let rest = response.body; rest.length > 0;) {
    const end = 5 + rest.readUInt32BE(1);
    const payload = rest.subarray(5, end);
    if (rest.readUInt8(0) === trailersFlag) {
      for (const line of payload.toString('latin1').split('\r\n').filter(Boolean)) {
        const colon = line.indexOf(':');
        trailers.set(line.slice(0, colon), line.slice(colon + 1).trim());
      }
    } else {
      messages.push(payload);
    }
    rest = rest.subarray(end);
  }
  return { messages, trailers };
}

function failureOf(trailers: Headers): Outcome | undefined {
  const code = trailers.get('grpc-status');
  if (code === null) {
    throw new Error('the response has no grpc-status');
  }
  if (code === '0') {
    return undefined;
  }
  const details = trailers.get('grpc-status-details-bin');
  return {
    ok: false,
    code: grpcStatus[Number(code)] ?? code,
    message: decodeURIComponent(trailers.get('grpc-message') ?? ''),
    violations: details === null ? [] : decodeStatusViolations(Buffer.from(details, 'base64')),
  };
}

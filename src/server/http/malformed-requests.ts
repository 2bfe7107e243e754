import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Code, ConnectError } from '@connectrpc/connect';
import { errorToJson } from '@connectrpc/connect/protocol-connect';
import { closeLingering } from '../transport/lingering-close.ts';

/** What is wrong with a request that is no HTTP/1.1, by the code of Node's error. */
const refusals: ReadonlyMap<string | undefined, readonly [status: number, error: ConnectError]> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, new ConnectError('the request took too long', Code.DeadlineExceeded)]],
  ['HPE_HEADER_OVERFLOW', [431, new ConnectError('the headers are too large', Code.ResourceExhausted)]],
]);
const malformed = [400, new ConnectError('this is not HTTP/1.1', Code.InvalidArgument)] as const;

/**
 * Fastify's `clientErrorHandler`: answers what Node cannot parse, or does not wait for any longer, and
 * closes the connection so that the answer can be read.
 */
export function answerMalformedRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, refusal] = refusals.get(error.code) ?? malformed;
  const body = JSON.stringify(errorToJson(refusal, undefined));
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  closeLingering(socket);
}

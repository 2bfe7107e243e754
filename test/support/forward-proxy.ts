import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'vitest';

/** A proxy as companies have them, with what went through it. */
export interface ForwardProxy {
  readonly url: string;
  /** `METHOD host` of every request, `CONNECT host:port` of every tunnel. */
  readonly asked: readonly string[];
}

/**
 * Starts a proxy that takes whatever host it is asked for to one port of this machine; it stops when the test is
 * finished.
 */
export async function startForwardProxy(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  toPort: number,
): Promise<ForwardProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${new URL(String(incoming.url)).host}`);
    forward(incoming, response, toPort);
  });
  server.on('connect', (incoming: IncomingMessage, near: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const far = connect(toPort, '127.0.0.1', () => near.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    sockets.forEach((socket) => socket.destroy());
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function forward(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { pathname, search } = new URL(String(incoming.url));
  const { method, headers } = incoming;
  const outgoing = request(
    { host: '127.0.0.1', port, path: pathname + search, method, headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A receiver that counts its connections and answers as it is told, or not at all. */
export interface ScriptedReceiver {
  readonly origin: string;
  /** Requests so far, in order. */
  readonly requests: readonly { readonly request: IncomingMessage; readonly body: string }[];
  /** Connections that are open now. */
  connections(): number;
  /** Connections that were ever opened. */
  connectionsEver(): number;
}

/** Does what it likes with a request; `nth` counts from 0. */
export type ReceiverScript = (response: ServerResponse, nth: number, socket: Socket) => void;

/** Starts a receiver on a free port; it stops when the test is finished. */
export async function startScriptedReceiver(script: ReceiverScript): Promise<ScriptedReceiver> {
  const requests: { request: IncomingMessage; body: string }[] = [];
  const open = new Set<Socket>();
  let ever = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      requests.push({ request, body });
      script(response, requests.length - 1, request.socket);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    ever += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => open.size,
    connectionsEver: () => ever,
  };
}

/** An origin where nobody listens. */
export async function unusedOrigin(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

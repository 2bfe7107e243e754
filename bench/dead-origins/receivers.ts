import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** 500 receivers that answer, each after its own 20 to 70 ms, and 5 that never do. */
async function listen(listener: RequestListener): Promise<number> {
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const healthy = await Promise.all(
  Array.from({ length: 500 }, (_, nth) =>
    listen((request, response) => {
      request.resume().on('end', () => setTimeout(() => response.end(), 20 + ((nth * 7) % 51)));
    }),
  ),
);
const dead = await Promise.all(Array.from({ length: 5 }, () => listen((request) => void request.resume())));

process.on('message', () => process.send?.({ healthy, dead }));

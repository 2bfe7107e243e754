import { once } from 'node:events';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { createGrpcJsClient } from '../support/clients/grpc-js-client.ts';
import type { MeasuredService } from './start-measured-service.ts';

/** Callers who behave, while somebody else does not. */
export interface OtherCallers {
  /** Resolves when each has had this many more answers; rejects when one was not answered rightly. */
  answered(count: number): Promise<void>;
  /** Ends them and resolves when their last call is over. */
  stop(): Promise<void>;
}

/** Two callers, one call after the other: gRPC on one connection, JSON on a new connection each time. */
export function startOtherCallers(service: Pick<MeasuredService, 'apiPort' | 'apiUrl'>): OtherCallers {
  const grpc = createGrpcJsClient({ gzip: false })(service.apiUrl);
  const callers = [
    async () => {
      const outcome = await grpc.call('GetPaymentStatus', { payment_intent_id: 'pay-none' });
      return outcome.ok ? 'OK' : outcome.code;
    },
    () => callInJson(service.apiPort),
  ];
  const stopped = new AbortController();
  const counts = callers.map(() => 0);
  const waiters = new Set<() => void>();

  async function repeat(call: () => Promise<string>, index: number): Promise<void> {
    while (!stopped.signal.aborted) {
      const code = await call();
      if (code.toUpperCase() !== 'NOT_FOUND') {
        throw new Error(`answered ${code} instead of NOT_FOUND`);
      }
      counts[index] = (counts[index] ?? 0) + 1;
      waiters.forEach((check) => check());
    }
  }

  const loops = Promise.all(callers.map(repeat));
  // Whoever waits hears of it.
  loops.catch(() => undefined);
  return {
    async answered(count) {
      const goal = counts.map((had) => had + count);
      const reached = new Promise<void>((resolve) => {
        function check(): void {
          if (counts.every((had, index) => had >= (goal[index] ?? 0))) {
            waiters.delete(check);
            resolve();
          }
        }
        waiters.add(check);
        check();
      });
      await Promise.race([reached, loops]);
    },
    async stop() {
      stopped.abort();
      await loops;
      grpc.close();
    },
  };
}

async function callInJson(port: number): Promise<string> {
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/payment.v1.PaymentService/GetPaymentStatus',
    headers: { 'content-type': 'application/json' },
    agent: new Agent({ keepAlive: false }),
  });
  request.end('{"payment_intent_id":"pay-none"}');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) {
    body += String(chunk);
  }
  return String((JSON.parse(body) as { code?: string }).code);
}

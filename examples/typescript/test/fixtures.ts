import { randomUUID } from 'node:crypto';
import { type PaymentSim, type SimSession, startPaymentSim } from 'payment-sim';
import type { Payment } from 'payment-sim/gen';
import { test as base } from 'vitest';
import type { toJson } from '../src/order.ts';
import { buildOrderService } from '../src/order-service.ts';

/** What the order service says of an order. */
type OrderAnswer = ReturnType<typeof toJson> & { readonly httpStatus: number };

/** A session of the simulator, and a customer of the order service whose payments are in it. */
interface TestSession extends SimSession {
  /** The payments that the gateway has made. */
  payments(): Promise<readonly Payment[]>;
  placeOrder(): Promise<OrderAnswer>;
  order(id: string): Promise<OrderAnswer>;
  refund(id: string): Promise<OrderAnswer>;
}

/** A test with one simulator and one order service for the file, and a session of its own. */
export const test = base
  // oxlint-disable-next-line no-empty-pattern -- Vitest reads from the pattern what a fixture needs.
  .extend('sim', { scope: 'file' }, async ({}, { onCleanup }) => {
    const sim = await startPaymentSim();
    onCleanup(() => sim.stop());
    return sim;
  })
  .extend('orderServiceUrl', { scope: 'file' }, async ({ sim }, { onCleanup }) => {
    const app = buildOrderService({ gatewayUrl: sim.apiUrl, webhookSecret: sim.webhookSecret });
    onCleanup(() => app.close());
    return await app.listen({ host: '127.0.0.1', port: 0 });
  })
  .extend('openSession', ({ sim, orderServiceUrl }, { onCleanup }) => {
    const opened: SimSession[] = [];
    onCleanup(async () => {
      await Promise.all(opened.map((session) => session.reset()));
    });
    return async () => {
      const session = await openSession(sim, orderServiceUrl);
      opened.push(session);
      return session;
    };
  })
  .extend('session', ({ openSession: open }) => open());

async function openSession(sim: PaymentSim, orderServiceUrl: string): Promise<TestSession> {
  const session = sim.session(`test-${randomUUID()}`);
  // Time stands still until the test calls `advance`.
  await session.update({ manualClock: true });

  async function call(method: string, path: string, body?: object): Promise<OrderAnswer> {
    const response = await fetch(orderServiceUrl + path, {
      method,
      headers: {
        // The order service passes it on, and so its calls of the gateway are in the session.
        baggage: session.baggage,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const order: ReturnType<typeof toJson> = await response.json();
    return { ...order, httpStatus: response.status };
  }

  return {
    ...session,
    payments: async () => (await session.client.listPayments({})).payments,
    placeOrder: () => call('POST', '/orders', { user_id: 'user-1', amount: 120_000 }),
    order: (id) => call('GET', `/orders/${id}`),
    refund: (id) => call('POST', `/orders/${id}/refund`),
  };
}

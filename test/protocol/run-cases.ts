import { afterAll, beforeAll, describe, test } from 'vitest';
import type { AppOverrides } from '../../src/app/basics.ts';
import type { ClientFactory, PaymentClient } from '../support/clients/payment-client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import type { CaseContext, PaymentCase } from './case-context.ts';

/** Puts a client through the table, against a service whose time stands still. */
export function runCases(
  clientName: string,
  createClient: ClientFactory,
  cases: readonly PaymentCase[],
): void {
  describe(clientName, () => {
    let shared: Stage | undefined;

    beforeAll(async () => {
      shared = await openStage(createClient);
    });

    afterAll(async () => {
      await shared?.close();
    });

    async function run(paymentCase: PaymentCase): Promise<void> {
      if (shared === undefined) {
        throw new Error('the shared service did not start');
      }
      if (paymentCase.service === undefined) {
        await paymentCase.run(shared.context);
        return;
      }
      const own = await openStage(createClient, paymentCase.service);
      try {
        await paymentCase.run(own.context);
      } finally {
        await own.close();
      }
    }

    for (const paymentCase of cases) {
      const register = paymentCase.alone === true ? test : test.concurrent;
      register(paymentCase.name, () => run(paymentCase));
    }
  });
}

interface Stage {
  readonly context: CaseContext;
  close(): Promise<void>;
}

async function openStage(
  createClient: ClientFactory,
  { env = {}, overrides = {} }: { env?: Readonly<Record<string, string>>; overrides?: AppOverrides } = {},
): Promise<Stage> {
  const clock = createFakeClock();
  let draw = 0;
  // Payments are left pending, and the clock stands still: no grace, or stopping would wait for them.
  const service: RunningService = await launchService(
    { SHUTDOWN_GRACE_MS: '0', ...env },
    { clock, random: () => draw, ...overrides },
  );
  const client: PaymentClient = createClient(service.apiUrl);
  return {
    context: {
      client,
      clock,
      setRandomDraw: (value) => {
        draw = value;
      },
      logs: (message) => service.logs(message),
    },
    async close() {
      client.close();
      await service.app.stop();
    },
  };
}

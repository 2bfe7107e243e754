import { create } from '@bufbuild/protobuf';
import type { UnaryRequest, UnaryResponse } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import {
  GetPaymentStatusRequestSchema,
  GetPaymentStatusResponseSchema,
  PaymentService,
} from '../../gen/payment/v1/payment_pb.js';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createCallInterceptor } from '../../src/server/call-interceptor.ts';

test('a call that succeeds reads no headers, which would have to be made first', async () => {
  const method = PaymentService.method.getPaymentStatus;
  const common = { service: PaymentService, method, stream: false } as const;
  let reads = 0;
  const request: UnaryRequest = {
    ...common,
    url: 'http://127.0.0.1/',
    requestMethod: 'POST',
    signal: new AbortController().signal,
    contextValues: {
      get: (key) => key.defaultValue,
      set: () => request.contextValues,
      delete: () => request.contextValues,
    },
    message: create(GetPaymentStatusRequestSchema),
    get header() {
      reads += 1;
      return new Headers();
    },
  };
  const response: UnaryResponse = {
    ...common,
    header: new Headers(),
    trailer: new Headers(),
    message: create(GetPaymentStatusResponseSchema),
  };
  const intercept = createCallInterceptor({
    logger: createLogger('info', { write: () => undefined }),
    metrics: createMetrics(false).calls,
    newId: () => 'req-1',
  });
  expect(await intercept(async () => response)(request)).toBe(response);
  expect(reads).toBe(0);
  await expect(intercept(() => Promise.reject(new Error('broken')))(request)).rejects.toThrow(
    'internal error',
  );
  expect(reads).toBeGreaterThan(0);
});

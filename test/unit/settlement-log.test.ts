import { expect, test } from 'vitest';
import { traceFields } from '../../src/base/call-trace.ts';
import { createLogger } from '../../src/observability/logger.ts';
import {
  createSettlementLog,
  settlementFields,
  settlementMessage,
} from '../../src/observability/settlement-log.ts';
import { applySettlement } from '../../src/payment/lifecycle.ts';
import { samplePayment, sampleSettlement } from '../support/sample-payment.ts';

const traces = [
  undefined,
  { traceparent: undefined, tracestate: undefined, requestId: 'request-1' },
  {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: undefined,
    requestId: undefined,
  },
];

test.each(traces)('the line is the one that pino would write, with the trace %o', (trace) => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger('info', destination);
  const pending = { ...samplePayment(), reservationId: 'a "quoted"\nid — 예약', trace };
  const payment = applySettlement(pending, sampleSettlement(2_000));

  createSettlementLog(logger, destination)(payment);
  logger.info({ ...settlementFields(payment), ...traceFields(trace) }, settlementMessage);

  const [ours, pinos] = lines.map((line) => line.replace(/"ts":"[^"]+"/, '"ts":"now"'));
  expect(ours).toBe(pinos);
  expect(ours).toContain('\\n');
});

test('a level above info writes nothing', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const payment = applySettlement(samplePayment(), sampleSettlement(2_000));
  createSettlementLog(createLogger('warn', destination), destination)(payment);
  expect(lines).toEqual([]);
});

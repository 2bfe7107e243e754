import { wantedAmount } from '../../payment/wanted-values.ts';
import { paymentFieldHints } from '../payment-v1/field-hints.ts';

const wantedCount = `a whole number from 0 to ${2 ** 31 - 1}, such as 2`;

const wantedTime = 'a time, such as "2026-01-01T09:00:00Z"';

/** What fields must be, by their full names, for errors about JSON that cannot be decoded. */
export const simulatorFieldHints = {
  ...paymentFieldHints,
  'simulator.v1.CreateRuleRequest.rule':
    '{"match": {"user_id": "user-1"}, "simulation": {"failure_code": "insufficient_funds"}, "times": 2}',
  'simulator.v1.UpdateSessionRequest.session': '{"default": {"delay_ms": 100}}',
  'simulator.v1.Rule.match': '{"user_id": "user-1"}',
  'simulator.v1.Rule.simulation': '{"failure_code": "insufficient_funds"}',
  'simulator.v1.Rule.times': wantedCount,
  'simulator.v1.Rule.skip': wantedCount,
  'simulator.v1.Rule.one_in': wantedCount,
  'simulator.v1.Match.min_amount': wantedAmount,
  'simulator.v1.Match.max_amount': wantedAmount,
  'simulator.v1.Session.default': '{"delay_ms": 100}',
  'simulator.v1.Session.claims': '{"user_id": "user-1"}',
  'simulator.v1.AwaitRequest.timeout': 'seconds with an "s", such as "10s"',
  'simulator.v1.ExplainCallRequest.amount': wantedAmount,
  'simulator.v1.ExplainCallRequest.simulation': '{"failure_code": "insufficient_funds"}',
  'simulator.v1.WatchRequest.max_per_second': wantedCount,
  'simulator.v1.AdvanceClockRequest.by': 'seconds with an "s", such as "2s" or "86400s"',
  'simulator.v1.AdvanceClockRequest.to': wantedTime,
  'simulator.v1.ResendDeliveriesRequest.given_up_since': wantedTime,
  'simulator.v1.Session.idle_ttl': 'seconds with an "s", such as "1800s"',
};

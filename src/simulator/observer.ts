import type { ApiBehavior } from '../payment/behavior.ts';
import type { Decision } from './decide.ts';
import type { PaymentMethodName } from './match.ts';

/** A call whose answer was not left alone. */
export interface SimulatedAnswerReport {
  readonly method: PaymentMethodName;
  readonly api: ApiBehavior;
  readonly decision: Pick<Decision, 'sessionId' | 'ruleIds'>;
}

/** What steering tells its observers. */
export type SteeringReport =
  /** Nobody has used it for its time. */
  | { readonly kind: 'session-ended'; readonly sessionId: string; readonly rules: number }
  | {
      readonly kind: 'session-reset';
      /** `*`: all of them. */
      readonly sessionId: string;
      readonly rules: number;
      readonly payments: number;
      readonly sessions: number;
    }
  /** Ending idle sessions has failed; it is tried again. */
  | { readonly kind: 'sweep-failed'; readonly error: unknown };

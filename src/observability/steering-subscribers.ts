import type { Observer } from '../base/observer.ts';
import type { SimulatedAnswerReport, SteeringReport } from '../simulator/observer.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/* What is counted and logged of what testers do. */

/** Counts simulated answers, so that they can be told from defects. */
export function countSimulatedAnswers({ simulatedFaults }: Metrics): Observer<SimulatedAnswerReport> {
  return ({ method, api }) => {
    const fault = api.drop ? 'drop' : api.code === 0 ? 'delay' : 'error';
    simulatedFaults.inc({ grpc_method: method, fault });
  };
}

/** Writes the lines of answers that are late; those of errors are written with their calls. */
export function logSimulatedAnswers(logger: Logger): Observer<SimulatedAnswerReport> {
  return ({ method, api, decision: { sessionId, ruleIds } }) => {
    if (api.code === 0 && !api.drop) {
      logger.info(
        {
          grpc_method: method,
          fault: 'delay',
          delay_ms: api.delayMs,
          ...(sessionId !== undefined && { session_id: sessionId }),
          ...(ruleIds.length > 0 && { rule_id: ruleIds.join(',') }),
        },
        'Simulated fault',
      );
    }
  };
}

/** Writes the lines of sessions. */
export function logSteering(logger: Logger): Observer<SteeringReport> {
  return (report) => {
    switch (report.kind) {
      case 'session-ended':
        logger.info({ session_id: report.sessionId, rules: report.rules }, 'Session ended: not used');
        break;
      case 'session-reset': {
        const { sessionId, rules, payments, sessions } = report;
        logger.info({ session_id: sessionId, rules, payments, sessions }, 'Session reset');
        break;
      }
      case 'sweep-failed':
        logger.warn({ err: report.error }, 'Sessions that are not used could not be ended');
        break;
    }
  };
}

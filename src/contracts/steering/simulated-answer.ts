import { create } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { RetryInfoSchema } from '../../../gen/google/rpc/error_details_pb.js';
import type { MachineClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import type { Decision } from '../../simulator/decide.ts';
import type { PaymentMethodName } from '../../simulator/match.ts';
import type { SimulatedAnswerReport } from '../../simulator/observer.ts';
import type { CallReaders } from '../call-readers.ts';

/** Names the rules that decided what happened to a call, in its answer. */
export const ruleHeader = 'payment-sim-rule';

/** The cause of an error that a tester has asked for, so that nobody takes it for a defect. */
export class SimulatedFault extends Error {
  readonly report: SimulatedAnswerReport;

  constructor(report: SimulatedAnswerReport) {
    super('simulated');
    this.name = 'SimulatedFault';
    this.report = report;
  }
}

interface AnswerDeps {
  readonly machine: MachineClock;
  readonly readers: Pick<CallReaders, 'dropCall' | 'noteDecision'>;
  readonly observe: Observer<SimulatedAnswerReport>;
}

/**
 * Answers a call as was decided: late, with an error instead of its effect or after it, or not at all. An error
 * of the call's own comes first: it was not carried out.
 */
export function answerAs<T>(
  deps: AnswerDeps,
  method: PaymentMethodName,
  decision: Decision,
  context: HandlerContext,
  run: () => Promise<T>,
): Promise<T> {
  const { api } = decision.behavior;
  deps.readers.noteDecision(context, decision);
  const answered = api === undefined ? run() : answerSimulated(deps, { method, api, decision }, context, run);
  return decision.ruleIds.length === 0
    ? answered
    : answered.then((answer) => {
        context.responseHeader.set(ruleHeader, decision.ruleIds.join(','));
        return answer;
      });
}

async function answerSimulated<T>(
  { machine, readers, observe }: AnswerDeps,
  report: SimulatedAnswerReport,
  context: HandlerContext,
  run: () => Promise<T>,
): Promise<T> {
  const { api } = report;
  if (api.delayMs > 0) {
    await delay(machine, api.delayMs, context.signal);
  }
  if (!api.drop && api.code === 0) {
    observe(report);
    return await run();
  }
  if (api.when === 'AFTER') {
    await run();
  }
  observe(report);
  if (api.drop) {
    readers.dropCall(context);
  }
  throw toError(report);
}

/** Ends early with the call. */
function delay(machine: MachineClock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abandon = () => {
      timer.cancel();
      reject(ConnectError.from(signal.reason, Code.Canceled));
    };
    const timer = machine.setTimer(delayMs, () => {
      signal.removeEventListener('abort', abandon);
      resolve();
    });
    if (signal.aborted) {
      abandon();
    } else {
      signal.addEventListener('abort', abandon, { once: true });
    }
  });
}

function toError(report: SimulatedAnswerReport): ConnectError {
  const { api, decision, method } = report;
  const { ruleIds } = decision;
  const metadata = new Headers(ruleIds.length === 0 ? {} : { [ruleHeader]: ruleIds.join(',') });
  if (api.retryAfterMs > 0) {
    // Clients of gRPC obey this one, https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback,
    // and others the next.
    metadata.set('grpc-retry-pushback-ms', String(api.retryAfterMs));
    metadata.set('retry-after', String(Math.ceil(api.retryAfterMs / 1000)));
  }
  const carriedOut = api.when === 'AFTER' ? ' after it was carried out' : '';
  const message = api.drop
    ? 'simulated: the connection was dropped'
    : `simulated error of ${method}${carriedOut}`;
  const code: Code = api.drop ? Code.Unavailable : api.code;
  return new ConnectError(
    api.message === '' ? message : api.message,
    code,
    metadata,
    api.retryAfterMs > 0 ? [retryInfo(api.retryAfterMs)] : undefined,
    new SimulatedFault(report),
  );
}

function retryInfo(delayMs: number) {
  const retryDelay = create(DurationSchema, {
    seconds: BigInt(Math.floor(delayMs / 1000)),
    nanos: (delayMs % 1000) * 1_000_000,
  });
  return { desc: RetryInfoSchema, value: { retryDelay } };
}

import type { DescMethod } from '@bufbuild/protobuf';
import { Code, type ConnectError } from '@connectrpc/connect';
import { parseCallTrace, traceFields } from '../base/call-trace.ts';
import { cutText } from '../base/cut-text.ts';
import type { IdGenerator } from '../base/ids.ts';
import { type CallMetrics, grpcCodeName, otherMethod } from '../observability/call-metrics.ts';
import type { RecordCall } from '../contracts/steering/call-record.ts';
import { SimulatedFault } from '../contracts/steering/simulated-answer.ts';
import type { Logger } from '../observability/logger.ts';
import { requestIdHeader } from './transport/refusals.ts';

/** Where calls are counted and failures logged. */
export interface CallObserver {
  readonly logger: Logger;
  readonly metrics: CallMetrics;
  /** Makes the request ids of failed calls whose caller sent none. */
  readonly newId: IdGenerator;
  /** Notes calls for testers; undefined where nobody may steer. */
  readonly record?: RecordCall | undefined;
}

/** What a line says of a call. */
interface LoggedCall {
  /** Undefined when the path is of no method. */
  readonly method: DescMethod | undefined;
  /** For calls without a method: what was asked for instead. */
  readonly path?: string;
  /** @param name in lower case. */
  readonly readHeader: (name: string) => string | undefined;
}

/** Longest path in a line, in bytes. */
const maxPathBytes = 256;

/** The line and the answer have the same request id: the caller's, or one that is made here. */
export function logFailure(
  { logger, newId }: CallObserver,
  { method, path, readHeader }: LoggedCall,
  failure: ConnectError,
  seconds: number,
): void {
  const trace = parseCallTrace({
    traceparent: readHeader('traceparent'),
    tracestate: undefined,
    requestId: readHeader(requestIdHeader),
  });
  const requestId = trace?.requestId ?? newId('req');
  failure.metadata.set(requestIdHeader, requestId);
  const fields = {
    grpc_service: method?.parent.typeName ?? otherMethod,
    grpc_method: method?.name ?? otherMethod,
    ...(method === undefined && { path: cutText(path ?? '', maxPathBytes) }),
    grpc_code: grpcCodeName(failure.code),
    latency_ms: Math.round(seconds * 1e6) / 1e3,
    ...traceFields(trace),
    request_id: requestId,
  };
  if (failure.cause instanceof SimulatedFault) {
    logger.info({ ...fields, ...faultFields(failure.cause) }, 'Simulated fault');
  } else if (isDefect(failure)) {
    logger.error({ ...fields, err: failure.cause ?? failure }, 'Call failed');
  } else {
    // Health checks and reflection are refused in normal operation too, as often as a probe asks for
    // a name that does not exist. At `info` their lines would hide those of payments.
    const isGrpcsOwn = (method?.parent.typeName ?? path?.slice(1) ?? '').startsWith('grpc.');
    logger[isGrpcsOwn ? 'debug' : 'info']({ ...fields, error: failure.rawMessage }, 'Call refused');
  }
}

function faultFields({ report: { api, decision } }: SimulatedFault) {
  const { sessionId, ruleIds } = decision;
  return {
    fault: api.drop ? 'drop' : 'error',
    when: api.when,
    ...(sessionId !== undefined && { session_id: sessionId }),
    ...(ruleIds.length > 0 && { rule_id: ruleIds.join(',') }),
  };
}

/**
 * Connect has INTERNAL for some mistakes of callers as well, as gRPC's specification does: a message that
 * is flagged as compressed, without a compression. What went wrong here has a cause, or the text that
 * stands for one.
 */
function isDefect({ code, cause, rawMessage }: ConnectError): boolean {
  return (
    code === Code.Unknown ||
    (code === Code.Internal && (cause !== undefined || rawMessage === 'internal error'))
  );
}

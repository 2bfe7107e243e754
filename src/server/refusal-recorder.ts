import { type CallObserver, logFailure } from './call-log.ts';
import { presentError } from './transport/presentable-error.ts';
import type { RecordRefusal } from './transport/refusals.ts';

/** No handler has seen it. */
const unread = { request: undefined, answer: undefined, decision: undefined };

/**
 * Counts and logs what is refused before the interceptors run: what cannot be decoded, is too large, comes
 * by a wrong HTTP method or content type, or is for no method at all.
 */
export function createRefusalRecorder(observer: CallObserver): RecordRefusal {
  return (call, error) => {
    const refusal = presentError(error, call.method);
    const seconds = (performance.now() - call.startedAtMs) / 1000;
    const metrics = observer.metrics(call.method);
    metrics.started();
    metrics.handled(refusal.code, seconds);
    logFailure(observer, call, refusal, seconds);
    if (call.method !== undefined) {
      observer.record?.({
        ...unread,
        method: call.method,
        failure: refusal,
        durationMs: seconds * 1000,
      });
    }
    return refusal;
  };
}

/**
 * The trace context of a call, for the log lines, webhooks and events of its payment; at most 700 bytes,
 * kept as long as the payment.
 */
export interface CallTrace {
  /** W3C Trace Context, version 00, valid. */
  readonly traceparent: string | undefined;
  /** Only beside a `traceparent`; at most 512 characters. */
  readonly tracestate: string | undefined;
  /** 1 to 128 visible ASCII characters. */
  readonly requestId: string | undefined;
}

/**
 * W3C Trace Context, limits of tracestate: at least 512 characters must be propagated, and where that is
 * not enough, entries of more than 128 characters are removed first.
 */
const maxTracestateLength = 512;
const longEntryLength = 128;
const maxTracestateEntries = 32;

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const traceIdOffset = 3;
const traceIdLength = 32;
const sampledFlag = 0x01;
/** `key=value`, the key with or without a tenant in front of `@`. */
const tracestateEntryPattern =
  /^[a-z0-9][a-z0-9_*/-]{0,255}(@[a-z0-9][a-z0-9_*/-]{0,255})?=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const requestIdPattern = /^[!-~]{1,128}$/;

/**
 * The trace that a call belongs to, undefined when it names none. Malformed values are dropped, as W3C
 * Trace Context says, and never an error of the call.
 *
 * @param headers as they came.
 */
export function parseCallTrace(headers: CallTrace): CallTrace | undefined {
  const traceparent = parseTraceparent(headers.traceparent?.trim());
  const requestId = headers.requestId?.trim();
  const validRequestId = requestId !== undefined && requestIdPattern.test(requestId) ? requestId : undefined;
  if (traceparent === undefined && validRequestId === undefined) {
    return undefined;
  }
  return {
    traceparent,
    // W3C Trace Context: tracestate must not be parsed without a valid traceparent.
    tracestate: traceparent === undefined ? undefined : parseTracestate(headers.tracestate),
    requestId: validRequestId,
  };
}

/** What log lines say of a trace: `trace_id` and `request_id`, where they are known. */
export function traceFields(trace: CallTrace | undefined): {
  readonly trace_id?: string | undefined;
  readonly request_id?: string | undefined;
} {
  return trace === undefined ? noFields : { trace_id: traceIdOf(trace), request_id: trace.requestId };
}

const noFields = {};

/** The headers that carry a trace on, where there is one. */
export function traceHeaders(trace: CallTrace | undefined): Readonly<Record<string, string>> {
  return trace === undefined
    ? noFields
    : {
        ...(trace.traceparent !== undefined && { traceparent: trace.traceparent }),
        ...(trace.tracestate !== undefined && { tracestate: trace.tracestate }),
        ...(trace.requestId !== undefined && { 'x-request-id': trace.requestId }),
      };
}

function traceIdOf({ traceparent }: CallTrace): string | undefined {
  return traceparent?.slice(traceIdOffset, traceIdOffset + traceIdLength);
}

function parseTraceparent(value: string | undefined): string | undefined {
  const [, version, traceId = '', parentId = '', flags = '', rest] =
    traceparentPattern.exec(value ?? '') ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(parentId)) {
    return undefined;
  }
  if (version === '00') {
    return rest === undefined ? value : undefined;
  }
  // A later version is passed on as version 00, with the fields and the flag that version 00 defines.
  const sampled = Number.parseInt(flags, 16) & sampledFlag;
  return `00-${traceId}-${parentId}-0${sampled}`;
}

function parseTracestate(value: string | undefined): string | undefined {
  let entries = (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const keys = new Set(entries.map((entry) => entry.slice(0, entry.indexOf('='))));
  if (
    entries.length > maxTracestateEntries ||
    keys.size < entries.length ||
    !entries.every((entry) => tracestateEntryPattern.test(entry))
  ) {
    return undefined;
  }
  if (entries.join(',').length > maxTracestateLength) {
    entries = entries.filter((entry) => entry.length <= longEntryLength);
  }
  while (entries.join(',').length > maxTracestateLength) {
    entries.pop();
  }
  return entries.length === 0 ? undefined : entries.join(',');
}

import type { HandlerContext } from '@connectrpc/connect';
import type { CallTrace } from '../base/call-trace.ts';

/** What testers have decided of a call. */
export interface CallDecision {
  /** Undefined for the global session. */
  readonly sessionId: string | undefined;
  readonly ruleIds: readonly string[];
  /** Whether the journal leaves it out: of somebody who looks at what others do. */
  readonly isUnseen?: boolean;
}

/** How handlers read the headers of a call. */
export interface CallReaders {
  /** The trace that a call belongs to, by its headers. */
  readonly readTrace: (context: HandlerContext) => CallTrace | undefined;
  /** One header by its name in lower case. */
  readonly readHeader: (context: HandlerContext, name: string) => string | undefined;
  /** Whether there is any of the headers, which are named in lower case. */
  readonly hasAnyHeader: (context: HandlerContext, names: readonly string[]) => boolean;
  /** Ends a call without an answer: resets its stream, or closes its connection over HTTP/1.1. */
  readonly dropCall: (context: HandlerContext) => void;
  /** Notes what testers have decided of the call, for whoever tells of it. */
  readonly noteDecision: (context: HandlerContext, decision: CallDecision) => void;
}

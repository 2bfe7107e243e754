import type { ConnectError } from '@connectrpc/connect';
import type { IncomingHttpHeaders } from 'node:http';
import type { LaneReply } from './lane-protocol.ts';

/** One request and its answer, on either transport. */
export interface LaneExchange {
  readonly headers: IncomingHttpHeaders;
  /** The full address that was called. */
  url(): string;
  /** Has `cancel` called when the caller goes away. Asked for only if somebody wants to know. */
  onAbandoned(cancel: (reason: ConnectError) => void): void;
  /** Sends the answer; does nothing when the caller has gone. */
  write(reply: LaneReply): void;
  /** Ends the exchange without an answer, when none can be written. */
  destroy(): void;
}

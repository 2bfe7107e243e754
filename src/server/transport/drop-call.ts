import { createContextKey } from '@connectrpc/connect';

/** Ends a call without an answer; in the values of calls that Connect's own handlers serve. */
export const dropCallKey = createContextKey<() => void>(() => undefined, {
  description: 'ends the call without an answer',
});

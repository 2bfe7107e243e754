import type { AttemptFailure } from './retry-policy.ts';

/** How one webhook attempt ended. */
export type AttemptResult =
  | { readonly outcome: 'delivered'; readonly statusCode: number }
  | {
      readonly outcome: 'failed';
      readonly failure: AttemptFailure;
      readonly statusCode?: number;
      /** For the log: what went wrong, or how the receiver's answer began. */
      readonly detail: string;
    };

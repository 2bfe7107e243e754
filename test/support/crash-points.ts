/**
 * Where a replica is killed on purpose: the names of the table in docs/adr/0014, in the order in which a
 * payment passes them. Behind a colon, what it is tried with besides webhooks.
 */
export const crashPoints = [
  'create-before',
  'create-between',
  'create-after',
  'process-before',
  'process-settled',
  'settle-before',
  'settle-after',
  'one-channel',
  'one-channel:event',
  'webhook-sent',
  'webhook-sent:event',
  'retry-queued',
  'retry-queued:event',
  'settlement-told',
  'settlement-done',
  'retry-before',
  'retry-before:event',
  'retry-sent',
  'retry-sent:event',
  'retry-requeued',
  'retry-requeued:event',
  'given-up',
] as const;

/** As `crashPoints`, in what comes after a payment was created: cancellations, refunds, and their events. */
export const lifeCrashPoints = [
  'key-reserved',
  'cancel-before',
  'cancel-settled',
  'refund-settled',
  'refund-begun',
  'refund-before',
  'refund-ended',
  'refund-done',
  'announce-before',
  'announce-done',
  'key-uncompleted',
] as const;

/** See `crashPoints` and `lifeCrashPoints`. */
export type CrashPoint = (typeof crashPoints)[number] | (typeof lifeCrashPoints)[number];

/** Payments for reservations with this name are those whose webhook is refused for good. */
export const goneReservation = 'gone';

/** Where a replica can be killed on purpose, in the order in which a payment passes them. */
export const crashPoints = [
  'create with a key: reserved, not written',
  'create: before the write',
  'create: written, not answered',
  'create with a key: written, not completed',
  'process: not hastened',
  'process: hastened, not settled',
  'settlement job: taken',
  'settle: not written',
  'settle: written, nothing told',
  'webhook: not sent',
  'event: not sent',
  'webhook failed: retry not queued',
  'webhook failed: retry queued, job not ended',
  'event failed: retry not queued',
  'event failed: retry queued, job not ended',
  'webhook: delivered, nothing noted',
  'event: delivered, nothing noted',
  'settlement job: done, not ended',
  'webhook retry: taken',
  'webhook retry: done, not ended',
  'event retry: taken',
  'event retry: done, not ended',
] as const;

export type CrashPoint = (typeof crashPoints)[number];

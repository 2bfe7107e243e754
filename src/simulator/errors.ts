/** What can go wrong for a tester, beside a request that is wrong in itself. */
export type SteeringErrorReason =
  | { readonly kind: 'rule-not-found'; readonly ruleId: string }
  | { readonly kind: 'rule-of-a-file'; readonly ruleId: string; readonly source: string }
  | { readonly kind: 'rule-exists'; readonly ruleId: string }
  | { readonly kind: 'too-many-rules'; readonly maxRules: number }
  | { readonly kind: 'too-many-sessions'; readonly maxSessions: number }
  | { readonly kind: 'too-many-bytes'; readonly maxBytes: number }
  | { readonly kind: 'nothing-to-resend'; readonly what: string }
  | { readonly kind: 'clock-needs-memory' }
  | { readonly kind: 'clock-comes-late'; readonly pending: number }
  | { readonly kind: 'no-clock' }
  | { readonly kind: 'too-many-wait'; readonly maxWaiting: number }
  | { readonly kind: 'too-many-watchers'; readonly maxWatchers: number }
  | { readonly kind: 'fell-behind'; readonly cursor: string };

/** An error of a tester's call, told by its reason. */
export class SteeringError extends Error {
  readonly reason: SteeringErrorReason;

  constructor(reason: SteeringErrorReason) {
    super(describeReason(reason));
    this.name = 'SteeringError';
    this.reason = reason;
  }
}

function describeReason(reason: SteeringErrorReason): string {
  switch (reason.kind) {
    case 'rule-not-found':
      return `rule "${reason.ruleId}" not found in this session; ListRules tells what is there`;
    case 'rule-of-a-file':
      return `rule "${reason.ruleId}" comes from ${reason.source}; change it there`;
    case 'rule-exists':
      return `rule "${reason.ruleId}" exists already; choose another id, or leave it out`;
    case 'too-many-rules':
      return `the session has ${reason.maxRules} rules already, and may not have more; delete some, or ResetSession`;
    case 'too-many-sessions':
      return `there are ${reason.maxSessions} sessions already; reset some that are done with, or raise MAX_SESSIONS`;
    case 'too-many-bytes':
      return `rules and sessions take all of the ${reason.maxBytes} bytes that they may; reset sessions that are done with`;
    case 'nothing-to-resend':
      return `no delivery of ${reason.what} is remembered; ListDeliveries tells which are, and SimulateWebhook tells a payment's status again`;
    case 'clock-needs-memory':
      return 'a session with a clock of its own needs state in memory: leave manual_clock out, or run the simulator without REDIS_URL';
    case 'clock-comes-late':
      return `${reason.pending} payments of the session wait for another clock already; set manual_clock before the first payment, or ResetSession`;
    case 'no-clock':
      return 'the session has no clock that can be moved; UpdateSession with manual_clock gives it one';
    case 'too-many-wait':
      return `${reason.maxWaiting} calls wait already, and no more may; end some of them`;
    case 'too-many-watchers':
      return `${reason.maxWatchers} watch already, and no more may; end one of them`;
    case 'fell-behind':
      return `entries that you have not read are forgotten; watch again from ${reason.cursor} to be told how many`;
  }
}

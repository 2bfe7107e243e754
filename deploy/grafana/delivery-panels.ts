import type { Row } from './panel.ts';
import { ofAll, pods, process, quantile, rate, share } from './promql.ts';

/** How outcomes go out. */
export const delivery: Row = {
  title: 'Delivery',
  panels: [
    {
      title: 'Delivery success by channel',
      description:
        'Share of the webhooks and events that ended well; what is still tried counts as neither. Below 100 % outcomes were given up: see dead letters.',
      unit: 'percentunit',
      max: 1,
      queries: [
        [
          share(`webhook_deliveries_total{${pods},outcome="delivered"}`, `webhook_deliveries_total{${pods}}`),
          'webhook',
        ],
        [
          share(
            `eventbridge_events_total{${pods},outcome="delivered"}`,
            `eventbridge_events_total{${pods},outcome!="skipped"}`,
          ),
          'eventbridge',
        ],
      ],
    },
    {
      title: 'Attempts that failed per second',
      description:
        'Attempts that are made again or given up. Some are usual when receivers restart; a lasting share means a broken receiver, or AWS that refuses.',
      unit: 'ops',
      queries: [
        [`sum(${rate(`webhook_attempts_total{${pods},outcome!~"delivered|simulated_fault"}`)})`, 'webhook'],
        [`sum(${rate(`eventbridge_entry_failures_total{${pods}}`)})`, 'eventbridge'],
      ],
    },
    {
      title: 'Dead letters per second',
      description:
        'Outcomes given up, by channel and reason. Should be 0; docs/operations.md tells each reason.',
      unit: 'ops',
      queries: [
        [`sum by (channel, reason) (${rate(`dead_letters_total{${pods}}`)})`, '{{channel}} {{reason}}'],
      ],
    },
    {
      title: 'Backlog',
      description:
        'What waits: webhooks for another attempt or a connection, events for a call. Growing without end, it ends in dead letters with the reason overflow.',
      unit: 'short',
      queries: [
        [ofAll(`webhook_retries_waiting{${pods}}`), 'webhooks, next attempt'],
        [`sum(webhook_connections{${pods},state="waiting"})`, 'webhooks, connection'],
        [`sum by (state) (eventbridge_backlog{${pods}})`, 'events, {{state}}'],
        [`max(eventbridge_retries_waiting{${pods}})`, 'events, next attempt, in Redis'],
      ],
    },
    {
      title: 'Webhook attempts per second by outcome',
      description:
        'http_<status> is the answer of a receiver, timeout and connection are none, egress_refused was not allowed.',
      unit: 'ops',
      queries: [[`sum by (outcome) (${rate(`webhook_attempts_total{${pods}}`)})`, '{{outcome}}']],
    },
    {
      title: 'Duration of webhook attempts',
      description:
        'How long receivers take. Near WEBHOOK_TIMEOUT_MS they hang, and hold connections meanwhile.',
      unit: 's',
      queries: [0.5, 0.99].map((q) => [quantile(q, 'webhook_attempt_seconds', pods), `p${q * 100}`]),
    },
    {
      title: 'Open circuits',
      description:
        'Receivers that failed so often that their webhooks wait. For 15 minutes: PaymentSimCircuitOpen fires.',
      unit: 'short',
      queries: [[`sum by (pod, instance) (webhook_circuits_open{${pods}})`, process]],
    },
    {
      title: 'Webhook connections',
      description:
        'Busy and idle connections to receivers. As many as the limit, all busy: webhooks wait for one.',
      unit: 'short',
      queries: [[`sum by (state) (webhook_connections{${pods},state!="waiting"})`, '{{state}}']],
    },
    {
      title: 'PutEvents calls per second by outcome',
      description: 'Anything but accepted is tried again. throttled: the account’s quota is used up.',
      unit: 'ops',
      queries: [[`sum by (outcome) (${rate(`eventbridge_calls_total{${pods}}`)})`, '{{outcome}}']],
    },
    {
      title: 'Events per second by outcome',
      description: 'How events ended. skipped: there are no AWS credentials, and none were sent.',
      unit: 'ops',
      queries: [[`sum by (outcome) (${rate(`eventbridge_events_total{${pods}}`)})`, '{{outcome}}']],
    },
    {
      title: 'Duration of PutEvents calls',
      description:
        'Tens of milliseconds are usual within a region. Near EVENTBRIDGE_TIMEOUT_MS calls are given up.',
      unit: 's',
      queries: [0.5, 0.99].map((q) => [quantile(q, 'eventbridge_call_seconds', pods), `p${q * 100}`]),
    },
    {
      title: 'Dead letters to their queue per second',
      description:
        'Letters sent to PAYMENT_WEBHOOK_DLQ_URL. failed ones are in the log only: look at the queue and its policy.',
      unit: 'ops',
      queries: [[`sum by (outcome) (${rate(`dead_letter_messages_total{${pods}}`)})`, '{{outcome}}']],
    },
  ],
};

import type { Panel, Row } from './panel.ts';
import { calls, failingShare, ofAll, pods, process, quantile, rate } from './promql.ts';

function latencyPanel(percent: number, meaning: string): Panel {
  return {
    title: `p${percent} by method`,
    description: `${percent} % of the calls are answered within this time. ${meaning}`,
    unit: 's',
    queries: [
      [quantile(percent / 100, 'grpc_server_handling_seconds', calls, 'grpc_method, '), '{{grpc_method}}'],
    ],
  };
}

/** The figures to look at first. */
export const overview: Row = {
  title: 'Overview',
  panels: [
    {
      title: 'Ready replicas',
      description: 'Replicas that take calls. Fewer than were deployed: look at the pods and their /readyz.',
      unit: 'short',
      stat: true,
      queries: [[`sum(payment_service_ready{${pods}})`, 'ready']],
    },
    {
      title: 'Calls per second',
      description: 'Answered calls of all methods. A sudden 0 means that callers do not reach the service.',
      unit: 'reqps',
      stat: true,
      queries: [[`sum(${rate(`grpc_server_handled_total{${calls}}`)})`, 'calls']],
    },
    {
      title: 'Failing calls',
      description:
        'Share of calls that fail by no fault of the caller, without those that testers ask for. Should be 0; above 1 % PaymentSimErrors fires.',
      unit: 'percentunit',
      stat: true,
      thresholds: { yellow: 0.001, red: 0.01 },
      queries: [[failingShare, 'failing']],
    },
    {
      title: 'p99 of all calls',
      description:
        'A few milliseconds are usual. Above 250 ms PaymentSimSlowCalls fires: too little CPU, or too many calls.',
      unit: 's',
      stat: true,
      thresholds: { yellow: 0.1, red: 0.25 },
      queries: [[quantile(0.99, 'grpc_server_handling_seconds', calls), 'p99']],
    },
    {
      title: 'Pending payments',
      description:
        'Payments that have no outcome yet: about creates per second times their delay. At MAX_PAYMENTS creates are refused.',
      unit: 'short',
      stat: true,
      queries: [[ofAll(`payment_stored{${pods},state="pending"}`), 'pending']],
    },
    {
      title: 'Dead letters, 1 h',
      description:
        'Outcomes given up in the last hour, on either channel. Each is one log line; should be 0.',
      unit: 'short',
      stat: true,
      thresholds: { yellow: 1, red: 100 },
      queries: [[`sum(increase(dead_letters_total{${pods}}[1h]))`, 'given up']],
    },
  ],
};

/** What callers meet. */
export const callsRow: Row = {
  title: 'Calls',
  panels: [
    {
      title: 'Calls per second by method',
      description:
        'Answered calls. A create costs some 40 µs of CPU time: one core has room for about 24,000 per second.',
      unit: 'reqps',
      queries: [[`sum by (grpc_method) (${rate(`grpc_server_handled_total{${calls}}`)})`, '{{grpc_method}}']],
    },
    {
      title: 'Calls that did not end with OK, by code',
      description:
        'InvalidArgument, NotFound and AlreadyExists are the callers’ mistakes. Internal is a defect of the service, Unavailable a store that is gone, ResourceExhausted a limit that was reached.',
      unit: 'reqps',
      queries: [
        [
          `sum by (grpc_code) (${rate(`grpc_server_handled_total{${calls},grpc_code!="OK"}`)})`,
          '{{grpc_code}}',
        ],
      ],
    },
    {
      title: 'Failing calls',
      description:
        'Share of calls with Internal, Unknown, Unavailable or DataLoss, without the simulated ones. Above 0: look at the log. Simulated errors of other codes can hide as many.',
      unit: 'percentunit',
      queries: [[failingShare, 'failing']],
    },
    {
      title: 'Simulated answers and deliveries per second by fault',
      description:
        'Calls that testers have made late (delay), fail (error) or have no answer (drop), and events that they deliver otherwise than usual. None are meant: see who reaches the port, or set SIMULATOR_API to off.',
      unit: 'ops',
      queries: [
        [`sum by (fault) (${rate(`payment_simulated_faults_total{${pods}}`)})`, '{{fault}}'],
        [`sum by (fault) (${rate(`delivery_simulated_faults_total{${pods}}`)})`, 'delivery {{fault}}'],
      ],
    },
    latencyPanel(50, 'The usual call; below a millisecond when there is CPU time to spare.'),
    latencyPanel(95, 'Rises before p50 does when the CPU gets scarce.'),
    latencyPanel(
      99,
      'Garbage collection and bursts show here first. Above 250 ms PaymentSimSlowCalls fires.',
    ),
    {
      title: 'Connections to the API port',
      description:
        'Open connections by protocol. At MAX_CONNECTIONS per replica new ones are closed. One replica with most of them: gRPC clients balance connections, not calls.',
      unit: 'short',
      queries: [[`sum by (protocol) (api_connections{${pods}})`, '{{protocol}}']],
    },
    {
      title: 'Connections refused per second',
      description:
        'Connections beyond MAX_CONNECTIONS. Should be 0: callers leak connections, or the limit is too low.',
      unit: 'ops',
      queries: [[`sum by (pod, instance) (${rate(`api_connections_refused_total{${pods}}`)})`, process]],
    },
    {
      title: 'Calls in flight',
      description: 'Calls begun and not answered yet. A line that only rises means calls that never end.',
      unit: 'short',
      queries: [
        [
          `sum by (grpc_method) (grpc_server_started_total{${calls}}) - sum by (grpc_method) (grpc_server_handled_total{${calls}})`,
          '{{grpc_method}}',
        ],
      ],
    },
  ],
};

/** What becomes of payments. */
export const payments: Row = {
  title: 'Payments',
  panels: [
    {
      title: 'Created per second by scenario',
      description: 'Payments accepted. A scenario that nobody asked for: look at DEFAULT_SCENARIO.',
      unit: 'ops',
      queries: [[`sum by (scenario) (${rate(`payment_intents_created_total{${pods}}`)})`, '{{scenario}}']],
    },
    {
      title: 'Settled per second by status',
      description:
        'Outcomes, CANCELLED and EXPIRED included. In the long run as many as were created; less means that payments stay pending.',
      unit: 'ops',
      queries: [[`sum by (status) (${rate(`payment_settlements_total{${pods}}`)})`, '{{status}}']],
    },
    {
      title: 'Refunds per second by outcome',
      description:
        'Refunds that have ended, whole or in part. FAILED are those that took time and were to fail; what is declined at once is a call with FailedPrecondition.',
      unit: 'ops',
      queries: [[`sum by (status) (${rate(`payment_refunds_total{${pods}}`)})`, '{{status}}']],
    },
    {
      title: 'Settlement lag',
      description:
        'How long after their due time payments settle. Milliseconds are usual; more means a stalled event loop. Above 1 s PaymentSimSettlesLate fires.',
      unit: 's',
      queries: [0.5, 0.95, 0.99].map((q) => [
        quantile(q, 'payment_settlement_lag_seconds', pods),
        `p${q * 100}`,
      ]),
    },
    {
      title: 'Stored payments',
      description:
        'Pending payments, and settled ones that are in memory; with Redis, the pending ones of all replicas. Settled ones leave after PAYMENT_TTL_MS, or earlier at MAX_PAYMENTS. About 530 bytes of memory each.',
      unit: 'short',
      queries: [[ofAll(`payment_stored{${pods}}`, 'state'), '{{state}}']],
    },
    {
      title: 'Scheduled settlements',
      description: 'Payments that wait for their due time. Should follow the pending payments.',
      unit: 'short',
      queries: [[ofAll(`payment_settlements_scheduled{${pods}}`), 'scheduled']],
    },
  ],
};

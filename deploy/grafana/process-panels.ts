import type { Row } from './panel.ts';
import { pods, process, quantile, rate, worker } from './promql.ts';

/** What the processes need. */
export const processRow: Row = {
  title: 'Process',
  panels: [
    {
      title: 'Event loop lag',
      description:
        'How late timers and calls have their turn; 11 ms is as good as it gets. Above 100 ms: too little CPU time.',
      unit: 's',
      queries: [
        [`max by (pod, instance) (nodejs_eventloop_lag_p99_seconds{${pods}})`, `p99 ${process}`],
        [`max by (pod, instance) (nodejs_eventloop_lag_p50_seconds{${pods}})`, `p50 ${process}`],
      ],
    },
    {
      title: 'Memory',
      description:
        'Memory of each process and what it may have. Above 90 % PaymentSimMemoryNearLimit fires: lower MAX_PAYMENTS or PAYMENT_TTL_MS, or raise the limit.',
      unit: 'bytes',
      queries: [
        [`max by (pod, instance) (process_resident_memory_bytes{${pods}})`, `used ${process}`],
        [`min(process_memory_limit_bytes{${pods}})`, 'limit'],
      ],
    },
    {
      title: 'Heap',
      description:
        'Node’s heap and its limit, at which the process ends. Near it, garbage collection takes most of the CPU time first.',
      unit: 'bytes',
      queries: [
        [`max by (pod, instance) (nodejs_heap_size_used_bytes{${pods}})`, `used ${process}`],
        [`min(nodejs_heap_size_limit_bytes{${pods}})`, 'limit'],
      ],
    },
    {
      title: 'CPU cores in use',
      description:
        'One process uses little more than one core. Near 1: add replicas. Near the CPU limit: it is throttled.',
      unit: 'short',
      queries: [[`sum by (pod, instance) (${rate(`process_cpu_seconds_total{${pods}}`)})`, process]],
    },
    {
      title: 'Share of time in garbage collection',
      description: 'A quarter under full load is usual. More, or many major ones: the heap is nearly full.',
      unit: 'percentunit',
      queries: [[`avg by (kind) (${rate(`nodejs_gc_duration_seconds_sum{${pods}}`)})`, '{{kind}}']],
    },
    {
      title: 'Open files and sockets',
      description:
        'One per connection and some more. At the limit connections fail: allow more than MAX_CONNECTIONS.',
      unit: 'short',
      queries: [
        [`sum by (pod, instance) (process_open_fds{${pods}})`, process],
        [`min(process_max_fds{${pods}})`, 'limit'],
      ],
    },
    {
      title: 'Log lines lost per second',
      description:
        'Of service and worker. Should be 0. Above it standard output is not read fast enough, or its disk is full: what gathers the log has to be repaired.',
      unit: 'ops',
      queries: [[`sum by (pod, instance) (${rate(`log_lines_lost_total{${worker}}`)})`, process]],
    },
    {
      title: 'Time since start',
      description:
        'A line that falls to 0 again and again is a process that keeps ending: look at its last log lines.',
      unit: 's',
      queries: [[`time() - max by (pod, instance) (process_start_time_seconds{${pods}})`, process]],
    },
  ],
};

/** What all replicas share, where REDIS_URL is set. */
export const redisRow: Row = {
  title: 'Redis',
  panels: [
    {
      title: 'Redis can be used',
      description:
        '1 as each replica sees it; 0: its calls fail with UNAVAILABLE, and it is not ready. Empty without REDIS_URL.',
      unit: 'short',
      max: 1,
      queries: [[`min by (pod, instance) (redis_up{${pods}})`, process]],
    },
    {
      title: 'Redis commands that failed per second, by reason',
      description:
        'unreachable and timeout: Redis or the network; out_of_memory: creates are refused until there is room. Should be 0.',
      unit: 'ops',
      queries: [[`sum by (reason) (${rate(`redis_command_errors_total{${pods}}`)})`, '{{reason}}']],
    },
    {
      title: 'Memory of Redis in use, and keys that it evicted',
      description:
        'Memory as a share of maxmemory: from 0.9 on no payment is taken. Evicted keys per second, as each replica sees them: should be 0.',
      unit: 'short',
      queries: [
        [`max(redis_memory_used_ratio{${pods}})`, 'memory in use'],
        [`max(${rate(`redis_evicted_keys_total{${pods}}`)})`, 'evicted per second'],
      ],
    },
  ],
};

/** The worker at the other end of EventBridge. */
export const workerRow: Row = {
  title: 'Reservation worker',
  panels: [
    {
      title: 'Messages per second by outcome',
      description:
        'What became of messages. retry: left in the queue, mostly since the reservation API fails.',
      unit: 'ops',
      queries: [
        [`sum by (outcome) (${rate(`reservation_worker_messages_total{${worker}}`)})`, '{{outcome}}'],
      ],
    },
    {
      title: 'Messages left in the queue per second by reason',
      description: 'http_<status>, timeout and connection are the reservation API’s doing.',
      unit: 'ops',
      queries: [[`sum by (reason) (${rate(`reservation_worker_failures_total{${worker}}`)})`, '{{reason}}']],
    },
    {
      title: 'From the queue to the updated reservation',
      description: 'Below a second is usual. Minutes: the queue is longer than workers and API can work off.',
      unit: 's',
      queries: [0.5, 0.95].map((q) => [quantile(q, 'reservation_worker_lag_seconds', worker), `p${q * 100}`]),
    },
    {
      title: 'Duration of reservation updates',
      description:
        'How long the reservation API takes. Near RESERVATION_API_TIMEOUT_MS updates are given up and repeated.',
      unit: 's',
      queries: [0.5, 0.99].map((q) => [
        quantile(q, 'reservation_worker_update_seconds', worker),
        `p${q * 100}`,
      ]),
    },
    {
      title: 'Messages in hand',
      description: 'At most WORKER_POLLERS times ten. Always there: more pollers or more workers are needed.',
      unit: 'short',
      queries: [[`sum by (pod, instance) (reservation_worker_messages_in_flight{${worker}})`, process]],
    },
    {
      title: 'Failed calls to SQS per second',
      description: 'receive: nothing can be worked on. other: messages come back though they were handled.',
      unit: 'ops',
      queries: [
        [`sum by (operation) (${rate(`reservation_worker_queue_errors_total{${worker}}`)})`, '{{operation}}'],
      ],
    },
  ],
};

import { median } from '../lib/h2load.ts';
import { bareHttp2, type Contender, grpcGo, grpcGoOneThread, service } from './contenders.ts';
import type { Part, Round } from './rounds.ts';

/** The service's figure divided by another's. */
interface Ratio {
  readonly name: string;
  readonly part: Part;
  readonly other: string;
  readonly field: keyof Round;
  /** Empty where there is none. */
  readonly aim: string;
}

const perSecond = 'requestsPerSecond';
const cpu = 'cpuMicrosecondsPerRequest';

const ratios: readonly Ratio[] = [
  {
    name: 'gRPC create, full service ÷ bare grpc-js',
    part: 'grpc',
    other: '@grpc/grpc-js',
    field: perSecond,
    aim: '≥ 1.0',
  },
  {
    name: 'gRPC create, full service ÷ bare node:http2',
    part: 'grpc',
    other: bareHttp2,
    field: perSecond,
    aim: '≥ 0.70',
  },
  {
    name: 'gRPC create, full service ÷ stock connect-fastify',
    part: 'grpc',
    other: 'stock connect-fastify',
    field: perSecond,
    aim: '≥ 4.5',
  },
  {
    name: 'Connect JSON create, full service ÷ bare Fastify JSON route',
    part: 'json',
    other: 'bare Fastify route',
    field: perSecond,
    aim: '≥ 0.65',
  },
  {
    name: 'gRPC p99 at 50 streams, full service ÷ bare node:http2',
    part: 'grpc',
    other: bareHttp2,
    field: 'p99Ms',
    aim: '≤ 1.6',
  },
  {
    name: `gRPC create, CPU of the full service ÷ ${bareHttp2}`,
    part: 'grpc',
    other: bareHttp2,
    field: cpu,
    aim: '',
  },
  {
    name: 'gRPC create, CPU of the full service ÷ grpc-go',
    part: 'grpc',
    other: grpcGo,
    field: cpu,
    aim: '',
  },
  {
    name: 'gRPC create, CPU of the full service ÷ grpc-go with GOMAXPROCS=1',
    part: 'grpc',
    other: grpcGoOneThread,
    field: cpu,
    aim: '',
  },
  {
    name: 'gRPC create, full service ÷ grpc-go with GOMAXPROCS=1',
    part: 'grpc',
    other: grpcGoOneThread,
    field: perSecond,
    aim: '',
  },
  {
    name: `gRPC p99 at half of ${bareHttp2}'s best, full service ÷ ${bareHttp2}`,
    part: 'latency',
    other: bareHttp2,
    field: 'p99Ms',
    aim: '',
  },
];

/**
 * The rows of all ratios whose contenders were measured: the median of the ratios of the rounds, each of which
 * compares neighbours in time.
 */
export function ratioRows(roundsOf: (part: Part, name: string) => readonly Round[]): readonly string[] {
  return ratios.flatMap(({ name, part, other, field, aim }) => {
    const others = roundsOf(part, other);
    const values = roundsOf(part, service).flatMap((round, i) => {
      const divisor = others[i]?.[field];
      return divisor === undefined ? [] : [round[field] / divisor];
    });
    return values.length === 0 ? [] : [`| ${name} | ${median(values).toFixed(2)} | ${aim} |`];
  });
}

/** The row of a contender: medians of its rounds; failures are summed. */
export function contenderRow({ name, protocol }: Contender, rounds: readonly Round[]): string {
  const of = (field: keyof Round) => median(rounds.map((round) => round[field]));
  const cells = [
    `${protocol} ${name}`,
    Math.round(of(perSecond)).toLocaleString('en'),
    of('p50Ms').toFixed(2),
    of('p95Ms').toFixed(2),
    of('p99Ms').toFixed(2),
    of(cpu).toFixed(1),
    Math.round(of('peakRssMib')),
    rounds.reduce((sum, { failures }) => sum + failures, 0),
  ];
  return `| ${cells.join(' | ')} |`;
}

import { rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LoadResult, median, runH2load } from './lib/h2load.ts';
import { createPath, grpcHeaders, jsonHeaders, writeRequestBodies } from './lib/request-bodies.ts';
import { type ServerProcess, startServer } from './lib/server-process.ts';
import { countOption } from './lib/count-option.ts';

/*
 * The same create through this service with everything on (validation, store, timers, settlement,
 * metrics, info log) and through what users would pick instead, whose handlers only make an id.
 * The contenders take turns, so that a noisy machine is noisy for all; medians over the rounds.
 */

interface Contender {
  readonly name: string;
  readonly args: readonly string[];
  readonly protocol: 'gRPC' | 'JSON';
}

const service = ['src/main.ts'];
const contenders: readonly Contender[] = [
  { name: 'Payment Sim', args: service, protocol: 'gRPC' },
  { name: 'bare node:http2', args: ['bench/contenders/bare-http2.ts'], protocol: 'gRPC' },
  { name: '@grpc/grpc-js', args: ['bench/contenders/grpc-js.ts'], protocol: 'gRPC' },
  { name: 'stock connect-fastify', args: ['bench/contenders/connect-fastify.ts'], protocol: 'gRPC' },
  { name: 'Payment Sim', args: service, protocol: 'JSON' },
  { name: 'bare Fastify route', args: ['bench/contenders/fastify-json.ts'], protocol: 'JSON' },
];

interface Round extends LoadResult {
  readonly cpuMicrosecondsPerRequest: number;
  readonly peakRssMib: number;
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    out: { type: 'string' },
  },
});

/** Longer than the default delay of two seconds: payments of the warm-up settle while it is measured. */
const warmUpSeconds = 3;
const bodies = writeRequestBodies();

async function measure(server: ServerProcess, protocol: Contender['protocol']): Promise<Round> {
  let cpuAtStart = 0;
  const result = await runH2load({
    url: `http://127.0.0.1:${server.port}${createPath}`,
    headers: protocol === 'gRPC' ? grpcHeaders : jsonHeaders,
    bodyFile: protocol === 'gRPC' ? bodies.grpc : bodies.json,
    // 50 calls in flight either way; HTTP/1.1 has one per connection.
    connections: protocol === 'gRPC' ? 5 : 50,
    streamsPerConnection: protocol === 'gRPC' ? 10 : 1,
    http1: protocol === 'JSON',
    warmUpSeconds,
    seconds: countOption('--seconds', options.seconds),
    onMeasuring: () => {
      cpuAtStart = server.cpuMicroseconds();
    },
  });
  const cpuMicrosecondsPerRequest = (server.cpuMicroseconds() - cpuAtStart) / result.requests;
  return { ...result, cpuMicrosecondsPerRequest, peakRssMib: server.peakRssMib() };
}

async function runRound(contender: Contender): Promise<Round> {
  const server = await startServer({ args: contender.args, logFile: join(bodies.folder, 'server.log') });
  try {
    return await measure(server, contender.protocol);
  } finally {
    await server.stop();
  }
}

const rounds = new Map<Contender, Round[]>(contenders.map((contender) => [contender, []]));
for (let round = 0; round < countOption('--rounds', options.rounds); round += 1) {
  for (const contender of contenders) {
    const result = await runRound(contender);
    rounds.get(contender)?.push(result);
    process.stderr.write(
      `round ${round + 1}, ${contender.protocol} ${contender.name}: ${Math.round(result.requestsPerSecond)}/s\n`,
    );
  }
}
rmSync(bodies.folder, { recursive: true });

function summarise(name: string, protocol: Contender['protocol']): Round {
  const found = contenders.find((c) => c.name === name && c.protocol === protocol);
  const all = (found === undefined ? undefined : rounds.get(found)) ?? [];
  const of = (field: keyof Round) => median(all.map((round) => round[field]));
  return {
    requestsPerSecond: of('requestsPerSecond'),
    requests: of('requests'),
    failures: all.reduce((sum, round) => sum + round.failures, 0),
    p50Ms: of('p50Ms'),
    p95Ms: of('p95Ms'),
    p99Ms: of('p99Ms'),
    cpuMicrosecondsPerRequest: of('cpuMicrosecondsPerRequest'),
    peakRssMib: of('peakRssMib'),
  };
}

/** The median of the ratios of the rounds: each compares neighbours in time. */
function ratio(protocol: Contender['protocol'], other: string, field: keyof Round): number {
  const of = (name: string) => {
    const found = contenders.find((c) => c.name === name && c.protocol === protocol);
    return (found === undefined ? undefined : rounds.get(found)) ?? [];
  };
  const others = of(other);
  return median(of('Payment Sim').map((round, i) => round[field] / (others[i]?.[field] ?? Number.NaN)));
}

const tableRows = contenders.map(({ name, protocol }) => {
  const r = summarise(name, protocol);
  const cells = [
    `${protocol} ${name}`,
    Math.round(r.requestsPerSecond).toLocaleString('en'),
    r.p50Ms.toFixed(2),
    r.p95Ms.toFixed(2),
    r.p99Ms.toFixed(2),
    r.cpuMicrosecondsPerRequest.toFixed(1),
    Math.round(r.peakRssMib),
    r.failures,
  ];
  return `| ${cells.join(' | ')} |`;
});
const ratios = [
  ['gRPC create, full service ÷ bare grpc-js', ratio('gRPC', '@grpc/grpc-js', 'requestsPerSecond'), '≥ 1.0'],
  [
    'gRPC create, full service ÷ bare node:http2',
    ratio('gRPC', 'bare node:http2', 'requestsPerSecond'),
    '≥ 0.70',
  ],
  [
    'gRPC create, full service ÷ stock connect-fastify',
    ratio('gRPC', 'stock connect-fastify', 'requestsPerSecond'),
    '≥ 4.5',
  ],
  [
    'Connect JSON create, full service ÷ bare Fastify JSON route',
    ratio('JSON', 'bare Fastify route', 'requestsPerSecond'),
    '≥ 0.65',
  ],
  [
    'gRPC p99 at 50 streams, full service ÷ bare node:http2',
    ratio('gRPC', 'bare node:http2', 'p99Ms'),
    '≤ 1.6',
  ],
] as const;

console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
);
console.log(
  `${options.rounds} rounds of ${options.seconds} s after ${warmUpSeconds} s of warm-up, 50 calls in flight\n`,
);
console.log('| contender | requests/s | p50 ms | p95 ms | p99 ms | CPU µs/request | peak RSS MiB | failed |');
console.log('|---|---|---|---|---|---|---|---|');
console.log(tableRows.join('\n'));
console.log('\n| ratio (median of the rounds) | measured | aim |\n|---|---|---|');
for (const [name, value, aim] of ratios) {
  console.log(`| ${name} | ${value.toFixed(2)} | ${aim} |`);
}
if (options.out !== undefined) {
  const raw = contenders.map((contender) => ({ contender, rounds: rounds.get(contender) }));
  writeFileSync(options.out, `${JSON.stringify(raw, null, 1)}\n`);
}

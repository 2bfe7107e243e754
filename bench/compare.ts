import { rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { bareHttp2, type Contender, findContenders, grpcGo, service } from './compare/contenders.ts';
import { contenderRow, ratioRows } from './compare/ratios.ts';
import { type Part, parts, type Round, runRound, warmUpSeconds } from './compare/rounds.ts';
import { countOption } from './lib/count-option.ts';
import { median } from './lib/h2load.ts';
import { writeRequestBodies } from './lib/request-bodies.ts';

/*
 * The same create through this service with everything on (validation, store, timers, settlement,
 * metrics, info log) and through what users would pick instead. Handlers in Node only make an id; the program in
 * Go does for a create what this service does. The contenders take turns, so that a noisy machine is noisy for
 * all; medians over the rounds. See bench/README.md.
 */

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string', default: parts.join(',') },
    out: { type: 'string' },
  },
});
const wanted = new Set(options.only.split(','));
const unknown = [...wanted].find((name) => !(parts as readonly string[]).includes(name));
if (unknown !== undefined) {
  console.error(`--only: ${unknown} is none of ${parts.join(', ')}`);
  process.exit(2);
}
const bodies = writeRequestBodies();
const settings = { bodies, seconds: countOption('--seconds', options.seconds) };
const contenders = findContenders(bodies.folder);
const results = new Map<string, Round[]>();

function roundsOf(part: Part, name: string): Round[] {
  const key = `${part} ${name}`;
  const rounds = results.get(key) ?? [];
  results.set(key, rounds);
  return rounds;
}

function contendersOf(part: Part): readonly Contender[] {
  switch (part) {
    case 'grpc':
      return contenders.filter(({ protocol }) => protocol === 'gRPC');
    case 'json':
      return contenders.filter(({ protocol }) => protocol === 'JSON');
    case 'latency':
      return contenders.filter(
        ({ name, protocol }) => protocol === 'gRPC' && [service, bareHttp2, grpcGo].includes(name),
      );
  }
}

async function measure(part: Part, contender: Contender, perSecond?: number): Promise<Round> {
  const result = await runRound(contender, settings, perSecond);
  const { name } = contender;
  const { cpuMicrosecondsPerRequest: cpu, requestsPerSecond } = result;
  console.error(`${part}, ${name}: ${Math.round(requestsPerSecond)}/s, ${cpu.toFixed(1)} µs`);
  return result;
}

/** Half of what a bare server can do in this round: so many at a time that none waits for its turn for long. */
async function pacedRate(round: number): Promise<number> {
  const bare = contenders.find(({ name }) => name === bareHttp2);
  const best =
    roundsOf('grpc', bareHttp2)[round] ?? (bare === undefined ? undefined : await measure('grpc', bare));
  return (best?.requestsPerSecond ?? Number.NaN) / 2;
}

const measured = parts.filter((part) => wanted.has(part));
for (let round = 0; round < countOption('--rounds', options.rounds); round += 1) {
  for (const part of measured) {
    const perSecond = part === 'latency' ? await pacedRate(round) : undefined;
    for (const contender of contendersOf(part)) {
      roundsOf(part, contender.name).push(await measure(part, contender, perSecond));
    }
  }
}
rmSync(bodies.folder, { recursive: true });

function printTable(title: string, of: readonly Part[]): void {
  const rows = of.flatMap((part) =>
    contendersOf(part).map((contender) => contenderRow(contender, roundsOf(part, contender.name))),
  );
  if (rows.length > 0) {
    console.log(`\n${title}\n`);
    console.log(
      '| contender | requests/s | p50 ms | p95 ms | p99 ms | CPU µs/request | peak RSS MiB | failed |',
    );
    console.log('|---|---|---|---|---|---|---|---|');
    console.log(rows.join('\n'));
  }
}

console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
);
console.log(`${options.rounds} rounds of ${options.seconds} s after ${warmUpSeconds} s of warm-up`);
printTable(
  'As many as go, 50 calls in flight',
  measured.filter((part) => part !== 'latency'),
);
if (wanted.has('latency')) {
  const rate = median(roundsOf('latency', bareHttp2).map(({ requestsPerSecond }) => requestsPerSecond));
  printTable(`At half of the best of ${bareHttp2}, ${Math.round(rate).toLocaleString('en')}/s`, ['latency']);
}
console.log('\n| ratio (median of the rounds) | measured | aim |\n|---|---|---|');
console.log(ratioRows(roundsOf).join('\n'));
if (options.out !== undefined) {
  writeFileSync(options.out, `${JSON.stringify(Object.fromEntries(results), undefined, 1)}\n`);
}

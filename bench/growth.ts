import { parseArgs } from 'node:util';
import { type ConnectionsResult, measureConnections, type Throughputs } from './growth/connections.ts';
import { type ConnectionMemory, measureConnectionMemory } from './growth/connection-memory.ts';
import { measureSettlementLag } from './growth/settlement-lag.ts';
import { measureStartUp, type Start } from './growth/start-up.ts';
import { measureStored } from './growth/stored.ts';
import { requireH2load } from './lib/grpc-load.ts';
import { type Figure, report } from './lib/report.ts';
import { median } from './lib/statistics.ts';
import { countOption } from './lib/count-option.ts';

// How the service behaves when there is much of something. See bench/README.md.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'start-up,lag,connections,memory,stored' },
    streams: { type: 'string', default: '10,1' },
    stored: { type: 'string', default: '100000,1000000' },
  },
});
const rounds = countOption('--rounds', values.rounds);
const parts = new Set(values.only.split(','));
const figures: Figure[] = [];
const raw: Record<string, unknown> = {};

requireH2load();

function startFigures(from: string, starts: readonly Start[]): readonly Figure[] {
  const wall = median(starts.map(({ wallMs }) => wallMs));
  const cpu = median(starts.map(({ cpuMs }) => cpuMs));
  return [
    { name: `start to first answer, ${from}`, value: wall, unit: 'ms', atMost: 600 },
    { name: `CPU until then, ${from}`, value: cpu, unit: 'ms' },
  ];
}

function middle(measured: readonly Throughputs[], read: (round: Throughputs) => number): number {
  return median(measured.map(read));
}

function connectionFigures(
  about: string,
  result: ConnectionsResult,
  atLeast: number | undefined,
): readonly Figure[] {
  const servers = (
    [
      ['Payment Sim', result.service],
      ['bare `node:http2`', result.bareHttp2],
      ['nghttpd', result.nghttpd],
    ] as const
  ).filter(([, measured]) => measured.length > 0);
  return [
    ...servers.flatMap(([server, measured], index) => [
      {
        name: `1,000 connections, ${about}, ${server}`,
        value: middle(measured, (round) => round.many),
        unit: '/s',
      },
      {
        name: `÷ 10 connections, as many in flight in all, ${server}`,
        value: middle(measured, (round) => round.many / round.fewBusy),
        unit: '',
        ...(index === 0 && atLeast !== undefined && { atLeast }),
      },
      {
        name: `÷ 10 connections, ${about}, ${server}`,
        value: middle(measured, (round) => round.many / round.few),
        unit: '',
      },
    ]),
    { name: `failed calls, ${about}`, value: result.failed, unit: '', atMost: 0 },
  ];
}

function memoryFigures(server: string, { idle, halfSent }: ConnectionMemory): readonly Figure[] {
  return [
    { name: `an idle connection, ${server}`, value: median(idle) / 1024, unit: 'KiB' },
    { name: `a connection with 1 MiB half-sent, ${server}`, value: median(halfSent) / 1024, unit: 'KiB' },
  ];
}

if (parts.has('start-up')) {
  console.log('Start-up …');
  const result = await measureStartUp(rounds + 2);
  raw['startUpMs'] = result;
  figures.push(...startFigures('`src`', result.source), ...startFigures('`dist`', result.built));
}

if (parts.has('lag')) {
  console.log('Settlement lag …');
  const lag = await measureSettlementLag(15);
  raw['settlementLagMs'] = lag;
  figures.push(
    { name: 'creates while the lag was measured', value: lag.perSecond, unit: '/s' },
    { name: 'settlement lag p50', value: lag.p50, unit: 'ms' },
    { name: 'settlement lag p99', value: lag.p99, unit: 'ms', atMost: 50 },
  );
}

if (parts.has('connections')) {
  for (const streams of values.streams.split(',').map((text) => countOption('--streams', text))) {
    console.log(`10 and 1,000 connections, ${streams} calls in flight on each …`);
    const result = await measureConnections(streams, rounds);
    const about = `${streams} in flight on each`;
    raw[`connections, ${about}`] = result;
    figures.push(...connectionFigures(about, result, streams === 10 ? 0.8 : undefined));
  }
}

if (parts.has('memory')) {
  console.log('Memory of connections …');
  const result = await measureConnectionMemory(rounds);
  raw['connection memory'] = result;
  figures.push(
    ...memoryFigures('Payment Sim', result.service),
    ...memoryFigures('bare `node:http2`', result.bareHttp2),
  );
}

if (parts.has('stored')) {
  for (const stored of values.stored.split(',').map(Number)) {
    const about = `${stored.toLocaleString('en')} stored`;
    console.log(`${about} …`);
    const result = await measureStored(stored, rounds);
    raw[about] = result;
    figures.push(
      {
        name: `creates, empty`,
        value: median(result.rounds.map(({ empty }) => empty.perSecond)),
        unit: '/s',
      },
      {
        name: `creates, ${about}`,
        value: median(result.rounds.map(({ full }) => full.perSecond)),
        unit: '/s',
      },
      {
        name: `${about} ÷ empty`,
        value: median(result.rounds.map(({ empty, full }) => full.perSecond / empty.perSecond)),
        unit: '',
        atLeast: 0.9,
      },
      {
        name: `CPU per payment, ${about} ÷ empty`,
        value: median(result.rounds.map(({ empty, full }) => full.cpuMicros / empty.cpuMicros)),
        unit: '',
      },
      { name: `heap per payment, ${about}`, value: result.heapBytesPerPayment, unit: 'bytes', atMost: 700 },
      { name: `resident size per payment, ${about}`, value: result.residentBytesPerPayment, unit: 'bytes' },
    );
  }
}

report('growth', figures, raw);

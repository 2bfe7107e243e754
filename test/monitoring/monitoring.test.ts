import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createDashboard } from '../../deploy/grafana/dashboard.ts';
import { missingRedis } from '../support/redis-server.ts';
import { missingPrometheus, type Prometheus, startPrometheus } from './prometheus.ts';
import { selectorsIn } from './selectors.ts';
import { startMonitoredSystem } from './traffic.ts';

const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url));
const alertFile = `${deploy}prometheus/alerts.yaml`;
const alertTestFile = `${deploy}prometheus/alerts.test.yaml`;
/** Rounds of traffic after which every panel must have shown something. */
const maxRounds = 6;

/** What is needed for these tests and is not there. */
const missing = missingPrometheus ?? missingRedis;

if (missing !== undefined) {
  console.warn(`The monitoring tests are skipped: ${missing}`);
}

test.skipIf(missing !== undefined && process.env['CI'] !== 'true')(
  'there are Prometheus and Redis, always in CI',
  () => {
    expect(missing).toBeUndefined();
  },
);

test('the dashboard is what its sources say: npm run generate:dashboard', () => {
  const written: unknown = JSON.parse(readFileSync(`${deploy}grafana/payment-sim.json`, 'utf8'));
  expect(written).toEqual(JSON.parse(JSON.stringify(createDashboard())));
});

test('every panel has a place of its own and says what it means', () => {
  const { panels } = createDashboard();
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { gridPos } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  }
  const graphs = panels.filter((panel) => 'targets' in panel);
  expect(graphs.length).toBeGreaterThan(30);
  for (const { title, description } of graphs) {
    expect(description.length, title).toBeGreaterThan(40);
  }
});

test('where all is well, there is a series for whatever the alerts look at', () => {
  const { groups } = parse(readFileSync(alertFile, 'utf8')) as AlertFile;
  const { tests } = parse(readFileSync(alertTestFile, 'utf8')) as AlertTestFile;
  const series = tests.find(({ name }) => name === 'all is well')?.input_series ?? [];
  const given = new Set(series.map((input) => metricOf(input.series)));
  const watched = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => selectorsIn(expr).map(metricOf)));
  expect(watched.length).toBeGreaterThan(30);
  expect([...new Set(watched)].filter((name) => !given.has(name))).toEqual([]);
});

describe.skipIf(missing !== undefined)('in Prometheus', () => {
  test('the alerts are in order, and fire when they should', async () => {
    const run = promisify(execFile);
    const { stdout } = await run('promtool', ['check', 'rules', alertFile]);
    expect(stdout).toContain('SUCCESS');
    const { stderr } = await run('promtool', ['test', 'rules', alertTestFile]);
    expect(stderr).toBe('');
    const names = [...readFileSync(alertFile, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const tested = [...readFileSync(alertTestFile, 'utf8').matchAll(/alertname="(\w+)"/g)];
    expect(new Set(tested.map(([, name]) => name))).toEqual(new Set(names));
  }, 60_000);

  test('every query of dashboard and alerts finds what it asks for', async (context) => {
    const system = await startMonitoredSystem(context);
    const prometheus = await startPrometheus(system.targets, [alertFile]);
    await prometheus.nextScrape();
    const queries = createDashboard().panels.flatMap((panel) =>
      'targets' in panel
        ? panel.targets.map(({ expr }) => ({ panel: panel.title, expression: withVariables(expr) }))
        : [],
    );
    let empty = queries;
    for (let round = 1; round <= maxRounds && empty.length > 0; round += 1) {
      await system.makeTraffic();
      await prometheus.nextScrape();
      empty = await keepEmpty(prometheus, empty);
    }
    expect.soft(empty).toEqual([]);

    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);

    const selectors = [...queries.map(({ expression }) => expression), ...rules.map(({ query }) => query)]
      .flatMap(selectorsIn)
      .concat(variableSeries());
    expect(selectors.length).toBeGreaterThan(80);
    const unknown = await keepEmpty(
      prometheus,
      [...new Set(selectors)].map((expression) => ({ panel: '', expression })),
    );
    expect(unknown.map(({ expression }) => expression)).toEqual([]);
  }, 60_000);
});

interface AlertFile {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}

interface AlertTestFile {
  readonly tests: readonly {
    readonly name: string;
    readonly input_series: readonly { readonly series: string }[];
  }[];
}

/** The name before the labels of a selector. */
function metricOf(selector: string): string {
  return /^\w+/.exec(selector)?.[0] ?? '';
}

interface Query {
  readonly panel: string;
  readonly expression: string;
}

/** Those of the queries that have not had a single number as an answer. */
async function keepEmpty(prometheus: Prometheus, queries: readonly Query[]): Promise<Query[]> {
  const answers = await Promise.all(
    queries.map(async (query) => {
      const series = await prometheus.query(query.expression);
      const hasData = series.some(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
      return hasData ? [] : [query];
    }),
  );
  return answers.flat();
}

/** An expression as Grafana sends it. */
function withVariables(expression: string): string {
  return expression.replaceAll('$__rate_interval', '2s').replaceAll(/\$(?:namespace|job|pod)\b/g, '.*');
}

/** What the variables of the dashboard are read from, with the label that they are. */
function variableSeries(): readonly string[] {
  return createDashboard().templating.list.flatMap((variable) => {
    const [, series, label] =
      /^label_values\((.*), (\w+)\)$/.exec('definition' in variable ? variable.definition : '') ?? [];
    return series === undefined
      ? []
      : [withVariables(series).replace(/\}?$/, (end) => (end === '' ? `{${label}!=""}` : `,${label}!=""}`))];
  });
}

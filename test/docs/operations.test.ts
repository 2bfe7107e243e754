import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createDashboard } from '../../deploy/grafana/dashboard.ts';
import { deadLetterLines } from '../../src/delivery/dead-letter/log-line.ts';
import { startService } from '../support/start-service.ts';
import { type Test, startQueues, startWorker } from '../worker/support.ts';
import { anchorsOf, readText, root, withoutCodeBlocks } from './markdown.ts';
import { codes, guide, sectionOf, tableRows } from './readme.ts';

const page = readText('docs/operations.md');
const alertFile = readText('deploy/prometheus/alerts.yaml');
const metricRows = tableRows(sectionOf(page, '## Metrics'));
/** prom-client's own, of which the page names but a few. */
const isOfNode = (name: string) => /^(?:nodejs|process)_/.test(name);

interface Exposed {
  readonly names: ReadonlySet<string>;
  labelsOf(name: string): ReadonlySet<string> | undefined;
}

async function exposedMetrics(context: Test): Promise<Exposed> {
  const queues = await startQueues(context);
  const worker = await startWorker(context, queues);
  const service = await startService({
    // Nobody listens there, which is enough for its metrics.
    REDIS_URL: 'redis://127.0.0.1:1',
    SHUTDOWN_GRACE_MS: '0',
    AWS_ENDPOINT_URL_EVENTBRIDGE: queues.aws.eventBridgeUrl,
  });
  const texts = await Promise.all(
    [service, worker].map(async ({ opsUrl }) => (await fetch(`${opsUrl}/metrics`)).text()),
  );
  const text = texts.join('\n');
  return {
    names: new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name)),
    labelsOf(name) {
      const labels = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(text);
      return labels === null
        ? undefined
        : new Set([...(labels[1] ?? '').matchAll(/(\w+)=/g)].map(([, label = '']) => label));
    },
  };
}

test('the metrics are those that service and worker have, with their labels', async (context) => {
  const exposed = await exposedMetrics(context);
  const documented = metricRows.map((row) => codes(row['Metric'] ?? '')[0] ?? '');
  const own = [...exposed.names].filter((name) => !isOfNode(name));
  expect(documented.filter((name) => !isOfNode(name)).toSorted()).toEqual(own.toSorted());
  const named = [...page.matchAll(/`((?:nodejs|process)_\w+)`/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !exposed.names.has(name))).toEqual([]);
  for (const row of metricRows) {
    const [name = ''] = codes(row['Metric'] ?? '');
    const labels = exposed.labelsOf(name);
    if (labels !== undefined) {
      expect([name, labels]).toEqual([name, new Set(codes(row['Labels'] ?? ''))]);
    }
  }
});

test('every alert has its section, and no other has one', () => {
  const alerts = [...alertFile.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
  const links = [...alertFile.matchAll(/runbook_url: docs\/operations\.md#(\S+)/g)].map(([, link]) => link);
  const headings = [...sectionOf(page, '## Alerts').matchAll(/^### (.*)$/gm)].map(([, name]) => name);
  expect(headings).toEqual(alerts);
  expect(links).toEqual(alerts.map((name) => name.toLowerCase()));
  expect(anchorsOf(page)).toEqual(expect.arrayContaining(links));
});

test('the rule for the Prometheus operator is made of the alerts', () => {
  const command = /^```sh\n(\{.*?\}) \| kubectl apply -f -\n```$/ms.exec(page)?.[1] ?? '';
  const output = execFileSync('sh', ['-c', command], { cwd: fileURLToPath(root), encoding: 'utf8' });
  expect(parse(output)).toEqual({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'payment-sim' },
    spec: parse(alertFile) as unknown,
  });
});

test('whoever names the queues in Redis names all of them', () => {
  const source = readText('src/state/redis/redis-state.ts');
  const queues = [...source.matchAll(/queueOf\('([\w-]+)'/g)].map(([, name = '']) => name);
  expect(queues.length).toBeGreaterThan(3);
  for (const path of ['docs/scaling.md', 'docs/operations.md', 'docs/adr/0014-shared-state-on-redis.md']) {
    const text = readText(path);
    expect([path, ...queues.filter((name) => !text.includes(`\`${name}\``))]).toEqual([path]);
  }
});

test('log lines, panels and variables that it names exist', () => {
  const source = globSync('src/**/*.ts', { cwd: fileURLToPath(root) })
    .map((path) => readFileSync(new URL(path, root), 'utf8'))
    .join('\n');
  const lines = tableRows(sectionOf(page, '## Logs')).flatMap((row) => codes(row['`msg`'] ?? ''));
  const messages = lines.filter((code) => /^[A-Z].* /.test(code) || code.startsWith('Stop'));
  expect(messages.length).toBeGreaterThan(30);
  expect(messages.filter((message) => !source.includes(`'${message}'`))).toEqual([]);
  // The last text of a call of the logger is its message.
  const written = [...source.matchAll(/logger\.(?:warn|error)\((.*?)\);/gs)].flatMap(([, call = '']) =>
    [...call.matchAll(/'([A-Z][^']*)'/g)].slice(-1).map(([, message = '']) => message),
  );
  expect(written.length).toBeGreaterThan(20);
  expect(written.filter((message) => !messages.includes(message))).toEqual([]);

  expect(messages).toEqual(expect.arrayContaining(Object.values(deadLetterLines)));

  const titles = new Set(createDashboard().panels.map(({ title }) => title));
  const quoted = [...withoutCodeBlocks(page).matchAll(/"([A-Z][^"]+)"/g)].map(([, title = '']) => title);
  expect(quoted.length).toBeGreaterThan(5);
  expect(quoted.filter((title) => !titles.has(title))).toEqual([]);

  const variables = codes(withoutCodeBlocks(page))
    .map((code) => /^([A-Z]+(?:_[A-Z]+)+)(?:=.*)?$/.exec(code)?.[1] ?? '')
    .filter((name) => name !== '');
  expect(variables.length).toBeGreaterThan(30);
  expect(variables.filter((name) => !guide.includes(`| \`${name}\``))).toEqual([]);
});

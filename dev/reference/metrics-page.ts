import { buildApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/app/config.ts';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.ts';
import { readTexts, table } from './markdown.ts';

/* docs/reference/metrics.md: the metrics to know first, and then every series of service and worker. */

const first = readTexts(new URL('metrics-first.md', import.meta.url));

/** Everything that has metrics of its own is on; nobody listens at port 1, which is enough for them to be there. */
const everything = {
  HOST: '127.0.0.1',
  GRPC_PORT: '0',
  HEALTH_PORT: '0',
  LOG_LEVEL: 'silent',
  SHUTDOWN_GRACE_MS: '0',
  REDIS_URL: 'redis://127.0.0.1:1',
  EVENTBRIDGE: 'on',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
};

/** The page, in Markdown. */
export async function describeMetrics(): Promise<string> {
  const app = await buildApp(loadConfig(everything), { logDestination: { write: () => undefined } });
  const { opsPort } = await app.start();
  const service = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  await app.stop();
  return `${first}
## Service

${metricsIn(service)}

## Worker

${metricsIn(await createWorkerMetrics().registry.metrics())}
`;
}

/** A row for each metric of an answer of /metrics; those of Node and the process are prom-client's. */
function metricsIn(text: string): string {
  const kinds = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [name, kind]),
  );
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .filter(([, name = '']) => !/^(nodejs|process)_/.test(name))
    .toSorted(([, a = ''], [, b = '']) => (a < b ? -1 : 1))
    .map(([, name = '', help = '']) => [
      `\`${name}\``,
      kinds.get(name) ?? '',
      help.replaceAll('<', String.raw`\<`),
    ]);
  return table(['Metric', 'Kind', 'Is'], rows);
}

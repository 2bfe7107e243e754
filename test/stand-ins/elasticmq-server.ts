import { join } from 'node:path';
import { keptInstall, runInstall } from './kept-install.ts';
import { type StandIn, startStandIn } from './stand-in-process.ts';

const pom = join(import.meta.dirname, 'elasticmq/pom.xml');
const wanted = {
  name: 'elasticmq',
  list: pom,
  version: /elasticmq-server\S*\s*<version>([^<]+)/,
  proof: '.',
};

/** ElasticMQ: an SQS in memory. */
export async function startElasticMq(): Promise<StandIn> {
  const jars = await keptInstall(wanted, async (folder) => {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
    await runInstall('mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal]);
  });
  const settings = [
    'rest-sqs.bind-hostname=127.0.0.1',
    'rest-sqs.bind-port=0',
    // A page of statistics, which would listen at another port.
    'rest-stats.enabled=false',
  ].map((setting) => `-D${setting}`);
  return await startStandIn(
    'java',
    ['-Xmx256m', ...settings, '-cp', join(jars, '*'), 'org.elasticmq.server.Main'],
    /bind address \S*127\.0\.0\.1:(\d+)/,
  );
}

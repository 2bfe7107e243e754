import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** Why there is no Prometheus to test with, or undefined. */
export const missingPrometheus = findMissing();

function findMissing(): string | undefined {
  try {
    execFileSync('prometheus', ['--version'], { stdio: 'ignore' });
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no prometheus or promtool on the PATH: install Debian’s prometheus';
  }
}

/** What is scraped under one job. */
export interface Target {
  readonly job: string;
  /** Host and port of each process. */
  readonly addresses: readonly string[];
}

/** One series of an answer; values as Prometheus writes them. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

/** A rule as Prometheus has loaded it. */
export interface LoadedRule {
  readonly name: string;
  readonly query: string;
  readonly health: 'ok' | 'unknown' | 'err';
  readonly lastError?: string;
}

/** A Prometheus of the test's own. */
export interface Prometheus {
  /**
   * The series of a query, with their values since this Prometheus started.
   *
   * @throws Error with Prometheus' words when the query is wrong.
   */
  query(expression: string): Promise<readonly Series[]>;
  rules(): Promise<readonly LoadedRule[]>;
  /** Resolves when every target has been scraped once more, and all rules evaluated. */
  nextScrape(): Promise<void>;
}

/** Between two scrapes, and two evaluations of the rules. */
const interval = '500ms';
const pollMs = 50;

/** Starts Prometheus with data, port and configuration of its own; it ends when the test is finished. */
export async function startPrometheus(
  targets: readonly Target[],
  ruleFiles: readonly string[],
): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-prometheus-'));
  const configuration = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ruleFiles,
    scrape_configs: targets.map(({ job, addresses }) => ({
      job_name: job,
      static_configs: addresses.map((address, index) => ({
        targets: [address],
        labels: { namespace: 'tickets', pod: `${job}-${index}` },
      })),
    })),
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(configuration));
  const startedAtSeconds = Date.now() / 1000;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true });
  });
  const url = `http://${await addressWhenReady(child.stderr)}`;

  async function get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const answer = (await response.json()) as { data: T; error?: string };
    if (!response.ok) {
      throw new Error(`${parameters['query'] ?? path}: ${answer.error}`);
    }
    return answer.data;
  }

  async function scrapes(): Promise<ReadonlyMap<string, number>> {
    const { activeTargets } = await get<{ activeTargets: { scrapeUrl: string; lastScrape: string }[] }>(
      'targets',
    );
    return new Map(activeTargets.map((target) => [target.scrapeUrl, Date.parse(target.lastScrape)]));
  }

  async function evaluations(): Promise<readonly number[]> {
    const { groups } = await get<{ groups: { lastEvaluation: string }[] }>('rules');
    return groups.map((group) => Date.parse(group.lastEvaluation));
  }

  return {
    async query(expression) {
      const { result } = await get<{ result: Series[] }>('query_range', {
        query: expression,
        start: String(startedAtSeconds),
        end: String(Date.now() / 1000),
        step: interval,
      });
      return result;
    },
    async rules() {
      const { groups } = await get<{ groups: { rules: LoadedRule[] }[] }>('rules');
      return groups.flatMap((group) => group.rules);
    },
    async nextScrape() {
      const sinceMs = Date.now();
      const isLater = (atMs: number) => atMs > sinceMs;
      const count = targets.flatMap(({ addresses }) => addresses).length;
      for (;;) {
        const times = [...(await scrapes()).values()];
        if (times.filter(isLater).length === count && (await evaluations()).every(isLater)) {
          return;
        }
        await delay(pollMs);
      }
    },
  };
}

/** Host and port, as soon as it answers there. */
async function addressWhenReady(log: Readable): Promise<string> {
  let listeningAt = '';
  for await (const line of createInterface({ input: log })) {
    const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
    if (msg === 'Listening on') {
      listeningAt = address ?? '';
    } else if (msg === 'Server is ready to receive web requests.') {
      // Read on, or it would wait for a reader in the middle of a line.
      log.resume();
      return listeningAt;
    }
  }
  throw new Error('Prometheus ended before it was ready');
}

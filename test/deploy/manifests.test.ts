import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { loadConfig } from '../../src/app/config.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';
import { startService } from '../support/start-service.ts';
import {
  type ContainerSpec,
  containerOf,
  deploymentsOf,
  environmentOf,
  type Labels,
  ofKind,
  readManifests,
} from './manifests.ts';

const secrets = {
  WEBHOOK_SECRET: 'a-secret-of-our-own',
  REDIS_URL: 'rediss://user:password@redis.example:6379/0',
};

/** Seconds in which the last log lines are written, and some to spare. */
const spareSeconds = 5;

describe.each(['development', 'staging', 'production', 'production-grpc-probes'] as const)(
  '%s',
  (overlay) => {
    const manifests = readManifests(overlay);
    const deployments = deploymentsOf(manifests);
    const service = find('payment-sim');

    function find(name: string) {
      const found = deployments.find((deployment) => deployment.name === name);
      if (found === undefined) {
        throw new Error(`no deployment ${name}`);
      }
      return found;
    }

    /** Loads the configuration as the container would, and knows every variable that was looked at. */
    function load<T>(container: ContainerSpec, loader: (env: Record<string, string>) => T) {
      const env = environmentOf(container, manifests, secrets);
      const lookedAt = new Set<string>();
      const config = loader(
        new Proxy(env, {
          get(target, name) {
            lookedAt.add(String(name));
            return target[String(name)];
          },
        }),
      );
      return { config, unknown: Object.keys(env).filter((name) => !lookedAt.has(name)) };
    }

    test('the service takes every variable and every value', () => {
      const { config, unknown } = load(containerOf(service), loadConfig);
      expect(unknown).toEqual([]);
      expect(config.environment).toBe(overlay.replace('-grpc-probes', ''));
      expect(ports(containerOf(service))).toEqual({ api: config.grpcPort, ops: config.healthPort });
      expect(service.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
        (containerOf(service).lifecycle?.preStop.sleep.seconds ?? 0) +
          config.shutdownGraceMs / 1000 +
          spareSeconds,
      );
    });

    test('replicas share their state', () => {
      const shares = load(containerOf(service), loadConfig).config.redis.url !== undefined;
      expect(service.spec.replicas > 1).toBe(shares);
      const [autoscaler] = ofKind(manifests, 'HorizontalPodAutoscaler');
      expect(autoscaler?.spec?.['minReplicas'] ?? 1).toBe(service.spec.replicas);
    });

    if (overlay !== 'development') {
      test('the worker takes every variable and every value', async () => {
        const worker = find('payment-sim-worker');
        const { config, unknown } = load(containerOf(worker), loadWorkerConfig);
        expect(unknown).toEqual([]);
        expect(ports(containerOf(worker))).toEqual({ ops: config.healthPort });
        expect(worker.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
          config.shutdownGraceMs / 1000 + spareSeconds,
        );
        expect((await createProgram(...(containerOf(worker).args ?? []))).commands[0]?.name()).toBe('worker');
        // What the service gives up goes where the worker gives up too.
        const { config: sender } = load(containerOf(service), loadConfig);
        expect(config.deadLetterQueueUrl).toBe(sender.deadLetterQueueUrl);
      });
    }

    test('selectors find what they are meant to', () => {
      const pods = deployments.map(({ spec }) => spec.template.metadata.labels);
      for (const { name, spec } of deployments) {
        expect(
          pods.filter((labels) => matches(spec.selector.matchLabels, labels)),
          name,
        ).toEqual([spec.template.metadata.labels]);
      }
      const selectors = [
        ...ofKind(manifests, 'Service').map(({ spec }) => spec?.['selector']),
        ...ofKind(manifests, 'PodDisruptionBudget').map(({ spec }) => matchLabels(spec?.['selector'])),
        ...ofKind(manifests, 'NetworkPolicy').map(({ spec }) => matchLabels(spec?.['podSelector'])),
      ] as Labels[];
      expect(selectors.length).toBeGreaterThanOrEqual(3);
      for (const selector of selectors) {
        expect(pods.filter((labels) => matches(selector, labels))).toHaveLength(1);
      }
      for (const { spec } of ofKind(manifests, 'HorizontalPodAutoscaler')) {
        expect(deployments.map(({ name }) => name)).toContain(
          (spec?.['scaleTargetRef'] as { name: string } | undefined)?.name,
        );
      }
      for (const { spec } of ofKind(manifests, 'ServiceMonitor')) {
        const found = ofKind(manifests, 'Service').filter(({ metadata }) =>
          matches(matchLabels(spec?.['selector']), metadata.labels ?? {}),
        );
        expect(found.map(({ metadata }) => metadata.name)).toEqual([
          'payment-sim-headless',
          'payment-sim-worker',
        ]);
      }
    });

    test('ports, policies and accounts name what there is', () => {
      for (const { metadata, spec } of ofKind(manifests, 'Service')) {
        const target = deployments.find(({ spec: { template } }) =>
          matches(spec?.['selector'] as Labels, template.metadata.labels),
        );
        const servicePorts = (spec?.['ports'] ?? []) as { port: number; targetPort: string }[];
        for (const { port, targetPort } of servicePorts) {
          expect(target && ports(containerOf(target))[targetPort], `${metadata.name} ${targetPort}`).toBe(
            port,
          );
        }
      }
      for (const { metadata, spec } of ofKind(manifests, 'NetworkPolicy')) {
        const rules = spec?.['ingress'] as { ports: { port: number }[] }[];
        const opened = rules.flatMap((rule) => rule.ports.map(({ port }) => port));
        expect(opened).toEqual(Object.values(ports(containerOf(find(metadata.name)))));
      }
      const accounts = ofKind(manifests, 'ServiceAccount').map(({ metadata }) => metadata.name);
      expect(deployments.map(({ spec }) => spec.template.spec.serviceAccountName)).toEqual(accounts);
      expect(ofKind(manifests, 'Secret')).toEqual([]);
    });

    test('the probes are answered', async () => {
      const { opsUrl, apiUrl } = await startService({ SHUTDOWN_GRACE_MS: '0' });
      for (const deployment of deployments) {
        const { startupProbe, livenessProbe, readinessProbe, ports: own } = containerOf(deployment);
        for (const { httpGet, grpc } of [startupProbe, livenessProbe, readinessProbe]) {
          if (grpc !== undefined) {
            expect(own.map(({ containerPort }) => containerPort)).toContain(grpc.port);
          } else {
            expect(own.map(({ name }) => name)).toContain(httpGet?.port);
          }
          const answer =
            grpc === undefined
              ? await fetch(opsUrl + httpGet?.path)
              : await fetch(`${apiUrl}/grpc.health.v1.Health/Check`, {
                  method: 'POST',
                  headers: { 'content-type': 'application/json' },
                  body: JSON.stringify({ service: grpc.service }),
                });
          expect(answer.status).toBe(200);
        }
      }
    });
  },
);

function ports(container: ContainerSpec): Record<string, number> {
  return Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
}

function matchLabels(selector: unknown): Labels {
  return (selector as { matchLabels: Labels }).matchLabels;
}

function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

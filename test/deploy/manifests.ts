import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { type Overlay, renderedFile } from '../../deploy/k8s/rendered-manifests.ts';

/** A manifest as far as the tests look into it by themselves; its schema is checked as a whole. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export type Labels = Readonly<Record<string, string>>;

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly grpc?: { readonly port: number; readonly service: string };
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly resources: { readonly limits: Labels; readonly requests: Labels };
}

export interface DeploymentSpec {
  readonly replicas: number;
  readonly selector: { readonly matchLabels: Labels };
  readonly template: {
    readonly metadata: { readonly labels: Labels };
    readonly spec: {
      readonly serviceAccountName: string;
      readonly terminationGracePeriodSeconds: number;
      readonly containers: readonly ContainerSpec[];
    };
  };
}

/** What kustomize made of an overlay. */
export function readManifests(overlay: Overlay): readonly Manifest[] {
  return parseAllDocuments(readFileSync(renderedFile(overlay), 'utf8')).map((document) => {
    if (document.errors.length > 0) {
      throw document.errors[0];
    }
    return document.toJS() as Manifest;
  });
}

export function ofKind(manifests: readonly Manifest[], kind: string): readonly Manifest[] {
  return manifests.filter((manifest) => manifest.kind === kind);
}

export function deploymentsOf(manifests: readonly Manifest[]) {
  return ofKind(manifests, 'Deployment').map(({ metadata, spec }) => ({
    name: metadata.name,
    labels: metadata.labels ?? {},
    spec: spec as unknown as DeploymentSpec,
  }));
}

/** The only container of a deployment. */
export function containerOf(deployment: { readonly spec: DeploymentSpec }): ContainerSpec {
  const [container, ...others] = deployment.spec.template.spec.containers;
  if (container === undefined || others.length > 0) {
    throw new Error('one container is expected');
  }
  return container;
}

/** The variables that a container gets; those from Secrets have the values in `secrets`. */
export function environmentOf(
  container: ContainerSpec,
  manifests: readonly Manifest[],
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  const fromMaps = container.envFrom.flatMap(({ configMapRef }) => {
    const map = manifests.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef.name,
    );
    if (map?.data === undefined) {
      throw new Error(`no ConfigMap ${configMapRef.name}`);
    }
    return Object.entries(map.data);
  });
  const own = (container.env ?? []).map(({ name, value, valueFrom }) => {
    const given = value ?? secrets[valueFrom?.secretKeyRef.key ?? ''];
    if (given === undefined) {
      throw new Error(`${name} has no value`);
    }
    return [name, given] as const;
  });
  return Object.fromEntries([...fromMaps, ...own]);
}

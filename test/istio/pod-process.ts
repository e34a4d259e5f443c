/**
 * A pod as a process of this machine: its container's arguments and environment as the pod's spec has them, its volumes as folders, its
 * account's tokens made for it by the API server. What a pod has for itself and a process has not is its port, its root and its names.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type CoreV1Api,
  KubeConfig,
  type V1Container,
  type V1Pod,
  type V1VolumeProjection,
} from '@kubernetes/client-node';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import type { Child, Children } from '../../deploy/local/mesh/children.ts';
import { packageRoot } from '../../deploy/local/root.ts';

/** Where a pod finds the token of its account for the API server. */
const ACCOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface PodProcessOptions {
  readonly core: CoreV1Api;
  readonly children: Children;
  /** Where its volumes are, made here. */
  readonly folder: string;
  readonly apiServerUrl: string;
  /** Where what the cluster's names mean is found on this machine: `127.0.0.1:1234` by `name:port`. */
  readonly names: Readonly<Record<string, string>>;
}

export class PodProcess {
  readonly pod: V1Pod;
  readonly container: V1Container;
  /** Of its only container port on this machine; 0 where it has none. */
  readonly port: number;
  readonly child: Child;

  private constructor(pod: V1Pod, container: V1Container, port: number, child: Child) {
    this.pod = pod;
    this.container = container;
    this.port = port;
    this.child = child;
  }

  /** @throws Error where the pod has what a process cannot have, or the API server refuses it something */
  static async start(pod: V1Pod, options: PodProcessOptions): Promise<PodProcess> {
    const [container, ...others] = pod.spec?.containers ?? [];
    if (!container || others.length > 0) throw new RangeError(`pod ${pod.metadata?.name} has not one container`);
    const folders = await fillVolumes(pod, options);
    const [port = 0] = container.ports?.length ? await freePorts(1) : [];
    const env = {
      ...environmentOf(pod, container, folders, options, port),
      ...kubeConfigFor(container, folders, options),
    };
    const child = options.children.start(container.name, {
      command: process.execPath,
      args: [join(packageRoot, 'controller', 'cli', 'weir.js'), ...(container.args ?? [])],
      logPath: join(options.folder, 'log'),
      env,
    });
    return new PodProcess(pod, container, port, child);
  }

  /** Whether its probes are answered as they are to be, those that it has. */
  async isReady(): Promise<boolean> {
    for (const probe of [this.container.startupProbe, this.container.readinessProbe]) {
      if (!probe?.httpGet) continue;
      const answer = await fetch(`http://127.0.0.1:${this.port}${probe.httpGet.path}`).catch(() => undefined);
      if (!answer?.ok) return false;
    }
    return true;
  }
}

/** @returns folders by path in the container */
async function fillVolumes(pod: V1Pod, options: PodProcessOptions): Promise<ReadonlyMap<string, string>> {
  const folders = new Map<string, string>();
  for (const volume of pod.spec?.volumes ?? []) {
    const folder = join(options.folder, volume.name);
    mkdirSync(folder, { recursive: true });
    if (!volume.emptyDir && !volume.projected) throw new RangeError(`volume ${volume.name} is of no kind known here`);
    for (const source of volume.projected?.sources ?? []) {
      for (const [path, text] of await project(source, pod, options.core)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text, { mode: 0o600 });
      }
    }
    const mount = pod.spec?.containers[0]?.volumeMounts?.find(({ name }) => name === volume.name);
    if (mount) folders.set(mount.mountPath, folder);
  }
  return folders;
}

/** @returns text by path */
async function project(
  { serviceAccountToken, configMap, downwardAPI }: V1VolumeProjection,
  pod: V1Pod,
  core: CoreV1Api,
): Promise<readonly (readonly [path: string, text: string])[]> {
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  if (serviceAccountToken) {
    const { audience, expirationSeconds } = serviceAccountToken;
    const { status } = await core.createNamespacedServiceAccountToken({
      ...{ namespace, name: pod.spec?.serviceAccountName ?? '' },
      body: {
        spec: {
          audiences: audience === undefined ? [] : [audience],
          ...(expirationSeconds !== undefined && { expirationSeconds }),
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    });
    return [[serviceAccountToken.path, status?.token ?? '']];
  }
  if (configMap) {
    const { data = {} } = await core.readNamespacedConfigMap({ namespace, name: configMap.name ?? '' });
    return (configMap.items ?? []).map(({ key, path }) => [path, data[key] ?? ''] as const);
  }
  return (downwardAPI?.items ?? []).map(({ path, fieldRef }) => [path, fieldOf(pod, fieldRef?.fieldPath)] as const);
}

function environmentOf(
  pod: V1Pod,
  container: V1Container,
  folders: ReadonlyMap<string, string>,
  { names }: PodProcessOptions,
  port: number,
): Record<string, string> {
  const [{ containerPort } = { containerPort: 0 }] = container.ports ?? [];
  const here = (value: string) => {
    if (value === `:${containerPort}`) return `127.0.0.1:${port}`;
    for (const [path, folder] of folders)
      if (value === path || value.startsWith(`${path}/`)) return value.replace(path, folder);
    for (const [name, place] of Object.entries(names))
      if (value.includes(`//${name}/`)) return value.replace(name, place);
    return value;
  };
  return Object.fromEntries(
    (container.env ?? []).map(({ name, value, valueFrom }) => [
      name,
      here(valueFrom ? fieldOf(pod, valueFrom.fieldRef?.fieldPath) : (value ?? '')),
    ]),
  );
}

/** @param path for example `metadata.name` @throws RangeError */
function fieldOf(pod: V1Pod, path = ''): string {
  const value = path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], pod);
  if (typeof value !== 'string') throw new RangeError(`pod ${pod.metadata?.name} has no ${path}`);
  return value;
}

/** By what a pod finds in the place of its account's token. Empty for one that is given none. */
function kubeConfigFor(
  container: V1Container,
  folders: ReadonlyMap<string, string>,
  { folder, apiServerUrl }: PodProcessOptions,
): Record<string, string> {
  const account = folders.get(ACCOUNT_PATH);
  if (account === undefined) return {};
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'in-cluster', server: apiServerUrl, caFile: join(account, 'ca.crt'), skipTLSVerify: false },
    { name: container.name, authProvider: { name: 'tokenFile', config: { tokenFile: join(account, 'token') } } },
  );
  const path = join(folder, 'kubeconfig');
  writeFileSync(path, config.exportConfig(), { mode: 0o600 });
  return { KUBECONFIG: path };
}

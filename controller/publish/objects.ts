/**
 * Objects of Istio, KEDA and Weir in a Kubernetes API server, by kind: read, listed, applied and removed. What is written is
 * written by server-side apply under a field manager of our own, so a field that somebody else has set is theirs.
 */
import { type CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { HttpRule } from '../generate/adopt.ts';
import { codeOf, FIELD_MANAGER, orNothing, readStatus } from '../intake/api-server.ts';
import { GROUP, PLURAL, VERSION } from '../routes/crd.ts';
import { InTheWay } from './place.ts';

const NETWORKING = { group: 'networking.istio.io', version: 'v1beta1' };
const KINDS = {
  AdaptiveRoute: { group: GROUP, version: VERSION, plural: PLURAL },
  DestinationRule: { ...NETWORKING, plural: 'destinationrules' },
  ScaledObject: { group: 'keda.sh', version: 'v1alpha1', plural: 'scaledobjects' },
  Sidecar: { ...NETWORKING, plural: 'sidecars' },
  VirtualService: { ...NETWORKING, plural: 'virtualservices' },
  WasmPlugin: { group: 'extensions.istio.io', version: 'v1alpha1', plural: 'wasmplugins' },
} as const;
export type Kind = keyof typeof KINDS;

/** What is used of CustomObjectsApi. */
export type CustomObjects = Pick<
  CustomObjectsApi,
  | 'getNamespacedCustomObject'
  | 'listNamespacedCustomObject'
  | 'listCustomObjectForAllNamespaces'
  | 'patchNamespacedCustomObject'
  | 'deleteNamespacedCustomObject'
>;

/** As far as it is read here. */
export interface Found {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly host?: string;
    readonly http?: readonly HttpRule[];
    readonly subsets?: readonly { readonly name: string; readonly labels?: Readonly<Record<string, string>> }[];
    readonly hosts?: readonly string[];
    readonly gateways?: readonly string[];
    readonly mode?: string;
  };
}

export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What is applied: plain data. */
export interface Applied {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

export interface Applying {
  readonly owner?: Owner | undefined;
  readonly isDryRun?: boolean;
  /** Takes fields from whoever has them. */
  readonly isForced?: boolean;
}

export class Objects {
  private readonly api: CustomObjects;

  constructor(api: CustomObjects) {
    this.api = api;
  }

  async get(kind: Kind, namespace: string, name: string): Promise<Found | undefined> {
    return (await orNothing(this.api.getNamespacedCustomObject({ ...KINDS[kind], namespace, name }))) as
      | Found
      | undefined;
  }

  /** @param namespace undefined: all */
  async list(kind: Kind, namespace: string | undefined, labelSelector?: string): Promise<readonly Found[]> {
    const query = { ...KINDS[kind], ...(labelSelector !== undefined && { labelSelector }) };
    const answer =
      namespace === undefined
        ? await this.api.listCustomObjectForAllNamespaces(query)
        : await this.api.listNamespacedCustomObject({ ...query, namespace });
    return (answer as { readonly items: readonly Found[] }).items;
  }

  /** @throws InTheWay where another manager has set fields of it to something else */
  async apply(manifest: Applied, { owner, isDryRun = false, isForced = false }: Applying = {}): Promise<Found> {
    const { metadata, kind } = manifest;
    const { name, namespace } = metadata;
    const body = { ...manifest, metadata: { ...metadata, ...(owner && { ownerReferences: [owner] }) } };
    try {
      return (await this.api.patchNamespacedCustomObject(
        {
          ...{ ...KINDS[kindOf(kind)], namespace, name, body, fieldManager: FIELD_MANAGER, force: isForced },
          ...(isDryRun && { dryRun: 'All' }),
        },
        setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
      )) as Found;
    } catch (error) {
      if (codeOf(error) !== 409) throw error;
      throw new InTheWay(
        'Conflict',
        `${kind} ${namespace}/${name} has fields that another manager has set: ${sayConflict(error)}; Weir leaves them, and writes it anew once it is deleted`,
      );
    }
  }

  /** Changes some fields of what is there; null takes one away. */
  async merge(kind: Kind, namespace: string, name: string, change: object): Promise<void> {
    await this.api.patchNamespacedCustomObject(
      { ...KINDS[kind], namespace, name, body: change, fieldManager: FIELD_MANAGER },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  }

  async remove(kind: Kind, namespace: string, name: string): Promise<void> {
    await orNothing(this.api.deleteNamespacedCustomObject({ ...KINDS[kind], namespace, name }));
  }
}

export function kindOf(kind: string): Kind {
  if (!Object.hasOwn(KINDS, kind)) throw new RangeError(`${kind} is not among what is published`);
  return kind as Kind;
}

/** `conflict with "argo" (.spec.http)` */
function sayConflict(error: unknown): string {
  const { message = 'no reason given', details } = readStatus((error as { body?: unknown }).body);
  const causes = (details?.causes ?? []).map((cause) => `${cause.message} (${cause.field})`);
  return causes.length > 0 ? causes.join(', ') : message;
}

/**
 * Keeps the WasmPlugins of the namespaces that the filter is to be attached to, once this controller serves the module: a plugin that
 * came first would send proxies to a controller that does not have it yet, and they do not ask twice. Plugins of Weir's elsewhere go.
 */
import { OURS } from '../generate/labels.ts';
import { type Attachment, wasmPluginOf } from '../generate/wasm-plugin.ts';
import type { Log } from '../log.ts';
import { refuseStrangers } from './kubernetes.ts';
import type { Objects } from './objects.ts';
import { InTheWay } from './place.ts';

/** Looked at again, should somebody have taken one away. */
const REPAIR_EVERY_MS = 600_000;
const RETRY_MS = 15_000;

export interface AttacherOptions {
  readonly objects: Objects;
  /** Where the filter is to be; none: nowhere. */
  readonly namespaces: readonly string[];
  /** The only namespace that is looked at; undefined: all. */
  readonly scope: string | undefined;
  /** Undefined where there is nothing to attach. */
  readonly plugin: Omit<Attachment, 'namespace'> | undefined;
  readonly log: Log;
  /** Says what an error means. */
  readonly explain: (error: unknown) => string;
}

export class Attacher {
  private readonly options: AttacherOptions;
  private dueMs = Number.NEGATIVE_INFINITY;
  private round: Promise<void> | undefined;
  /** What was said last of each namespace. */
  private readonly said = new Map<string, string>();

  constructor(options: AttacherOptions) {
    this.options = options;
  }

  /** Called after each window. */
  tell(nowMs: number): void {
    if (this.round || nowMs < this.dueMs) return;
    this.round = this.attach(nowMs).finally(() => {
      this.round = undefined;
    });
  }

  async close(): Promise<void> {
    this.dueMs = Number.POSITIVE_INFINITY;
    await this.round;
  }

  private async attach(nowMs: number): Promise<void> {
    const { namespaces, scope, objects, explain, plugin } = this.options;
    let isDone = true;
    for (const namespace of namespaces) {
      if (!plugin) break;
      try {
        const manifest = wasmPluginOf({ ...plugin, namespace });
        await refuseStrangers(objects, [manifest]);
        await objects.apply(manifest);
        this.say(
          namespace,
          `the filter is attached to namespace ${namespace} by WasmPlugin weir, from ${plugin.url}`,
          true,
        );
      } catch (error) {
        isDone = false;
        const why = error instanceof InTheWay ? error.message : explain(error);
        this.say(namespace, `the filter is not attached to namespace ${namespace}: ${why}; it is tried again`, false);
      }
    }
    try {
      for (const { metadata } of await objects.list('WasmPlugin', scope, OURS)) {
        if (namespaces.includes(metadata.namespace)) continue;
        await objects.remove('WasmPlugin', metadata.namespace, metadata.name);
        this.say(metadata.namespace, `the filter is detached from namespace ${metadata.namespace}`, true);
      }
    } catch (error) {
      isDone = false;
      this.say('*', `WasmPlugins that are not asked for any more were not looked for: ${explain(error)}`, false);
    }
    if (this.dueMs !== Number.POSITIVE_INFINITY) this.dueMs = nowMs + (isDone ? REPAIR_EVERY_MS : RETRY_MS);
  }

  private say(namespace: string, message: string, isWell: boolean): void {
    if (this.said.get(namespace) === message) return;
    this.said.set(namespace, message);
    const { log } = this.options;
    if (isWell) log.info({ event: 'filter_attached', namespace }, message);
    else log.warn({ event: 'filter_not_attached', namespace }, message);
  }
}

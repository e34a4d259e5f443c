/**
 * Keeps the routes in step with their files. Editors and ConfigMaps change a file in several steps (write, rename, swap of a
 * symbolic link), so a change is read once things have been still for a moment. A wrong file changes nothing: the routes
 * in force stay, and the owner is told why.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loadWholeRoutes } from './load.ts';
import type { AdaptiveRoute } from './route.ts';
import type { RouteListener, RouteSource } from './source.ts';

const STILL_MS = 200;
/** YAML files, and the link that Kubernetes swaps when a ConfigMap changes. The store may write beside them all the time. */
const MAY_BE_ROUTES = /\.ya?ml$|^\.\.data$/;

export interface RouteFilesOptions extends RouteListener {
  /** File or folder. */
  readonly path: string;
  readonly policies?: readonly string[];
}

export class RouteFiles implements RouteSource {
  private readonly options: RouteFilesOptions;
  private watcher: FSWatcher | undefined;
  private timer: NodeJS.Timeout | undefined;
  private inForce = '';

  constructor(options: RouteFilesOptions) {
    this.options = options;
  }

  /**
   * Reads the routes and begins to watch.
   * @throws RouteError when they are wrong: a controller does not start on routes that nobody meant
   */
  start(): readonly AdaptiveRoute[] {
    const { path, policies } = this.options;
    const routes = loadWholeRoutes(path, policies);
    this.inForce = JSON.stringify(routes);
    // A file is watched through its folder: a watch on the file itself ends when an editor replaces it.
    const folder = statSync(path).isDirectory() ? path : dirname(path);
    this.watcher = watch(folder, (_, name) => {
      if (name === null || MAY_BE_ROUTES.test(name) || name === basename(path)) this.settle();
    });
    // Where a watch breaks (the folder was deleted), SIGHUP still reloads.
    this.watcher.on('error', (error) => this.options.onRefused(error));
    return routes;
  }

  /** Reads the files again, now. */
  reload(): void {
    let routes: readonly AdaptiveRoute[];
    try {
      routes = loadWholeRoutes(this.options.path, this.options.policies);
    } catch (error) {
      this.options.onRefused(error as Error);
      return;
    }
    const text = JSON.stringify(routes);
    if (text === this.inForce) return;
    this.inForce = text;
    this.options.onChange(routes);
  }

  /** Owners of files read the log. */
  tell(): void {}

  close(): void {
    clearTimeout(this.timer);
    this.watcher?.close();
  }

  private settle(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reload(), STILL_MS);
  }
}

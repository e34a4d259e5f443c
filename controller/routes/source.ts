/** The contract of what routes come from: files (`watch.ts`) or a Kubernetes API server (`intake/routes.ts`). */
import type { Decision } from '../decision.ts';
import type { Remembered } from '../steer/memory.ts';
import type { SavedService } from '../steer/saved.ts';
import type { ServiceStatus } from '../steer/status.ts';
import type { AdaptiveRoute } from './route.ts';

export interface RouteListener {
  /** Called with the whole new set, only when it differs from the one in force. */
  readonly onChange: (routes: readonly AdaptiveRoute[]) => void;
  /** Called with the sentences of what was refused; what is in force stays. */
  readonly onRefused: (error: Error) => void;
}

/** What became of the manifests that a route makes. */
export interface PublishNews {
  readonly isThere: boolean;
  /** One word. */
  readonly reason: string;
  readonly message: string;
}

/** What the controller does with its routes, for their owners to read where they wrote them. */
export interface RouteNews {
  readonly services: readonly ServiceStatus[];
  /** What the next controller needs of a service, by host:port, to go on with it. */
  readonly saved: (service: string) => SavedService | undefined;
  /** `epoch.number` */
  readonly table: string;
  readonly agentCount: number;
  /** By `namespace/name` of the route; nothing where nothing is published, or not yet. */
  readonly published: (route: string) => PublishNews | undefined;
  /** Newest first. */
  readonly decisions: (query: { readonly service: string; readonly limit: number }) => readonly Decision[];
  /** ms since 1970 */
  readonly wallMs: number;
}

export interface RouteSource {
  /** Reads the routes and begins to watch. @throws RouteError when they are wrong and there is nothing to go on with */
  start(): readonly AdaptiveRoute[];
  /** What an earlier controller left beside the routes; absent where nothing is kept there. */
  remembered?(): readonly Remembered[];
  /** Reads them again, now. */
  reload(): void;
  /** Called after each window. `news` costs something, so it is made for who asks. */
  tell(news: () => RouteNews): void;
  /** Ends. Tells once more before, where somebody goes on with it. */
  close(news?: () => RouteNews): void | Promise<void>;
}

export type OpenRoutes = (listener: RouteListener) => RouteSource;

/**
 * Table requests that are held until there is something to say. Pure of HTTP: an answer is a function that was handed in.
 *
 * A VM has one request at a time: a new one means that it gave up on the one before. The whole is bounded; whoever comes when
 * it is full is sent away and asks again after a pause, as filters do.
 */
import type { Clock } from '../clock.ts';
import type { Tables } from '../tables/tables.ts';
import type { Viewer } from '../tables/views.ts';
import { tableMessage, unchangedMessage } from '../wire/table.ts';

export interface Asker {
  readonly viewer: Viewer;
  /** Identity of the VM that asks; '' when it did not say, and then its older requests are not known. */
  readonly vmId: string;
  /** The view it has, 16 hex digits. */
  readonly haveViewId: string;
}

/** `new` and `unchanged` have a message; the others, a sentence, leave a filter with what it has. */
export type Answer =
  | { readonly kind: 'new' | 'unchanged'; readonly message: Uint8Array }
  | { readonly kind: 'none' | 'replaced' | 'crowded' | 'closing'; readonly sentence: string };

interface Held {
  readonly asker: Asker;
  readonly answer: (answer: Answer) => void;
  cancel: () => void;
}

export interface HeldDeps {
  readonly tables: Pick<Tables, 'viewFor' | 'hasAny' | 'holdMs' | 'remainingMs'>;
  readonly clock: Clock;
  readonly maxHeld: number;
}

export class HeldRequests {
  readonly #deps: HeldDeps;
  readonly #held = new Set<Held>();
  readonly #byVm = new Map<string, Held>();

  constructor(deps: HeldDeps) {
    this.#deps = deps;
  }

  /** Answers now if there is another view than the asker has, else later. Returns how to take the request back. */
  ask(asker: Asker, answer: (answer: Answer) => void): () => void {
    const older = this.#byVm.get(asker.vmId);
    if (older) this.#end(older, { kind: 'replaced', sentence: 'this VM has asked again; the newer request is held' });
    const news = this.#newsFor(asker);
    if (news) {
      answer(news);
      return () => {};
    }
    if (this.#held.size >= this.#deps.maxHeld) {
      answer({ kind: 'crowded', sentence: `${this.#held.size} requests are held already, the most this agent takes` });
      return () => {};
    }
    const held: Held = { asker, answer, cancel: () => {} };
    held.cancel = this.#deps.clock.after(this.#deps.tables.holdMs(), () => this.#end(held, this.#sameFor(asker)));
    this.#held.add(held);
    if (asker.vmId !== '') this.#byVm.set(asker.vmId, held);
    return () => this.#drop(held);
  }

  /** Answers everyone for whom there is something new. */
  answerNews(): void {
    for (const held of this.#held) {
      const news = this.#newsFor(held.asker);
      if (news) this.#end(held, news);
    }
  }

  /** Answers everyone: with what is new, or with the new ttl of what they have. */
  answerAll(): void {
    for (const held of this.#held) this.#end(held, this.#newsFor(held.asker) ?? this.#sameFor(held.asker));
  }

  /** Lets everyone go: the agent stops. Their filters keep the weights they have. */
  close(): void {
    for (const held of this.#held) this.#end(held, { kind: 'closing', sentence: 'the agent stops' });
  }

  get size(): number {
    return this.#held.size;
  }

  #newsFor({ viewer, haveViewId }: Asker): Answer | undefined {
    const { tables } = this.#deps;
    // Who knows of no tables has no say in what filters hold.
    if (!tables.hasAny()) return undefined;
    const view = tables.viewFor(viewer);
    if (view.viewId === haveViewId) return undefined;
    return { kind: 'new', message: tableMessage(view, tables.remainingMs()) };
  }

  #sameFor({ viewer }: Asker): Answer {
    const { tables } = this.#deps;
    if (!tables.hasAny()) {
      return { kind: 'none', sentence: 'no table has come from a controller yet; keep what you have' };
    }
    return { kind: 'unchanged', message: unchangedMessage(tables.viewFor(viewer), tables.remainingMs()) };
  }

  #end(held: Held, answer: Answer): void {
    this.#drop(held);
    held.answer(answer);
  }

  #drop(held: Held): void {
    held.cancel();
    this.#held.delete(held);
    if (this.#byVm.get(held.asker.vmId) === held) this.#byVm.delete(held.asker.vmId);
  }
}

/**
 * The room's conductor: tables in force, what each workload calls, views of both, and all of it on disk.
 *
 * The state directory holds three files: `tables` (the controller's last `tables` frame as it came), `word` (its last word and
 * the highest epoch) and `called` (who calls what). A disk that fails costs the memory of the next restart and nothing else.
 */
import { join } from 'node:path';
import { decodeFromController, encode } from '../../controller/wire/codec.ts';
import type { Tables as TablesFrame } from '../../controller/wire/messages.ts';
import type { Clock } from '../clock.ts';
import { BadState } from '../errors.ts';
import type { Log, Notices } from '../log.ts';
import { HOLD_MS } from '../wire/layout.ts';
import { NO_VIEW, type View } from '../wire/table.ts';
import { Called } from './called.ts';
import { readState, writeState } from './disk.ts';
import { type Acceptance, isSameTables, TablesInForce } from './in-force.ts';
import { type Viewer, Views, workloadKey } from './views.ts';

/** How often the controller's last word is written down at most, and at least a fifth of the ttl. */
const WORD_INTERVAL_MS = 10_000;
const CALLED_INTERVAL_MS = 5_000;
/** A request that arrives so soon after the controller came back may come from a filter that was told the old ttl. */
const RACE_MS = 1_000;
/** A disk so slow that writes pile up is not given more of what a later write will say anyway. */
const MAX_QUEUED_WRITES = 3;
const RACE_HOLD_MS = 250;

export interface TablesDeps {
  readonly stateDir: string;
  /** From the taking of tables to their writing, ms: they go to the filters first, which takes the same processors. */
  readonly writeDelayMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly notices: Notices;
  readonly count: { stateErrors(): void; tableFaults(count: number): void; epochsRefused(): void };
  /** Views may differ from what they were. */
  readonly onChange: () => void;
  /** Filters should hear of the new ttl before they would ask. */
  readonly onRefresh: () => void;
}

export class Tables {
  readonly #deps: TablesDeps;
  readonly #called = new Called();
  readonly #views: Views;
  readonly #inForce: TablesInForce;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #isCalledDirty = false;
  #cancelWord: () => void = () => {};
  #cancelCalled: () => void = () => {};
  /** Highest epoch in the file of the last word; undefined: not known, or none. */
  #keptEpoch: number | undefined;
  /** Writes happen one after the other. */
  #writing: Promise<unknown> = Promise.resolve();
  #queuedWrites = 0;
  /** Ends the wait of the write that is next. */
  #hurry: () => void = () => {};
  #isClosing = false;

  constructor(deps: TablesDeps) {
    this.#deps = deps;
    this.#views = new Views(this.#called);
    this.#inForce = new TablesInForce(deps.clock, {
      changed: deps.onChange,
      refreshed: () => {
        this.#refreshedAtMs = deps.clock.nowMs();
        deps.onRefresh();
      },
      expired: (ageMs) => this.#sayExpired(ageMs),
      revived: () => {
        this.#refreshedAtMs = deps.clock.nowMs();
        deps.notices.recovered('tables_expired', {}, 'the controller is back, filters steer by its tables again');
      },
    });
  }

  /** Reads what an earlier life left. What is not whole is ignored with a warning. */
  async open(): Promise<void> {
    const called = await this.#read('called');
    if (called) this.#attempt('called', () => this.#called.load(called));
    const tables = await this.#read('tables');
    const word = await this.#read('word');
    if (tables && word) this.#attempt('tables', () => this.#restore(tables, word));
    this.#scheduleWord();
    this.#scheduleCalled();
  }

  /** Takes a frame of the controller; settles once it is on disk, or could not be put there. */
  async accept(frame: TablesFrame): Promise<Acceptance> {
    const before = this.#inForce.newest;
    if (!this.admits(frame.epoch)) return 'refused';
    const isOlder = before?.epoch === frame.epoch && before.number > frame.number;
    if (!isOlder && !isSameTables(before, frame)) this.#replaceViews(frame);
    const acceptance = this.#inForce.accept(frame);
    if (acceptance !== 'taken') return acceptance;
    // The last word is written every few seconds anyway; with tables only when a higher epoch came with them, which the
    // next life must not forget.
    const isEpochKept = this.#keptEpoch === this.#inForce.highestEpoch;
    const dueMs = this.#deps.clock.nowMs() + this.#deps.writeDelayMs;
    await Promise.all([this.#write('tables', () => encode(frame), dueMs), ...(isEpochKept ? [] : [this.#writeWord()])]);
    return acceptance;
  }

  /** Whether a controller of this epoch is to be obeyed; counts it where not. */
  admits(epoch: number): boolean {
    if (this.#inForce.admit(epoch)) return true;
    this.#deps.count.epochsRefused();
    return false;
  }

  /** The controller gave a sign of life. */
  hear(): void {
    this.#inForce.hear();
  }

  /** Learns which clusters a proxy called. */
  learn(viewer: Viewer, clusters: readonly string[]): void {
    const outcome = this.#called.learn(workloadKey(viewer), clusters, this.#views.servicesOf);
    if (outcome !== 'nothing') this.#isCalledDirty = true;
    if (outcome === 'view') this.#deps.onChange();
  }

  /** What a proxy should steer by now. */
  viewFor(viewer: Viewer): View {
    if (!this.#inForce.hasFresh()) return NO_VIEW;
    const leftOutBefore = this.#views.leftOutCount;
    const view = this.#views.viewFor(viewer);
    if (this.#views.leftOutCount > leftOutBefore) {
      const fields = { workload: viewer.workload, services: this.#views.leftOutCount - leftOutBefore };
      const sentence = 'a view does not fit into one table message, some of its services are not steered';
      this.#deps.notices.degraded('view_too_large', fields, sentence);
    }
    return view;
  }

  /** For how long a filter may steer by a view from now on, ms. */
  remainingMs(): number {
    return this.#inForce.remainingMs();
  }

  /** How long to hold a request: never so long that a ttl runs out while controller and agent are well. */
  holdMs(): number {
    if (this.#deps.clock.nowMs() - this.#refreshedAtMs < RACE_MS) return RACE_HOLD_MS;
    return Math.min(HOLD_MS, Math.max(RACE_HOLD_MS, this.#inForce.ttlMs() / 3));
  }

  /** Whether any tables are known, however old. An agent that knows of none has no say in what its filters hold. */
  hasAny(): boolean {
    return this.#inForce.newest !== undefined;
  }

  hasFresh(): boolean {
    return this.#inForce.hasFresh();
  }

  /** Since the controller's last word, ms; infinite before the first. */
  ageMs(): number {
    return this.#inForce.ageMs();
  }

  ttlMs(): number {
    return this.#inForce.ttlMs();
  }

  version(): { readonly tableEpoch: number; readonly tableNumber: number } {
    const { newest } = this.#inForce;
    return { tableEpoch: newest?.epoch ?? 0, tableNumber: newest?.number ?? 0 };
  }

  /** Writes down what changed and ends. */
  async close(): Promise<void> {
    this.#cancelWord();
    this.#cancelCalled();
    this.#inForce.close();
    this.#isClosing = true;
    this.#hurry();
    await Promise.all([this.#writeCalled(), this.#writeWord()]);
    // Where too many writes wait, those two were left out, and what waits is still to be done.
    await this.#writing;
  }

  #restore(tables: Uint8Array, word: Uint8Array): void {
    const frame = decodeFromController(tables);
    const { highestEpoch, lastWordWallMs } = JSON.parse(Buffer.from(word).toString('utf8')) as Record<string, unknown>;
    if (frame.type !== 'tables' || typeof highestEpoch !== 'number' || typeof lastWordWallMs !== 'number') {
      throw new BadState('the files hold something else than tables and a last word');
    }
    this.#replaceViews(frame);
    this.#inForce.restore({ highestEpoch, lastWordWallMs, tables: frame });
    const ageMs = Math.round(this.#inForce.ageMs());
    const fields = { event: 'tables_restored', tableEpoch: frame.epoch, tableNumber: frame.number, ageMs };
    this.#deps.log.info(fields, 'took up the tables of the life before');
  }

  #replaceViews(frame: TablesFrame): void {
    const faults = this.#views.replace(frame);
    const first = faults[0];
    if (!first) return;
    this.#deps.count.tableFaults(faults.length);
    const sentence = `${first.service} for group ${first.group} is not steered: ${first.fault}`;
    this.#deps.notices.degraded('table_faulty', { ...first, faults: faults.length }, sentence);
  }

  #sayExpired(ageMs: number): void {
    const fields = { ageMs: Math.round(ageMs), ttlMs: this.#inForce.ttlMs() };
    const sentence = 'the controller was not heard of for the ttl of its tables, requests go by the plain routes';
    this.#deps.notices.degraded('tables_expired', fields, sentence);
  }

  #scheduleWord(): void {
    this.#cancelWord = this.#deps.clock.after(Math.min(WORD_INTERVAL_MS, this.#inForce.ttlMs() / 5), () => {
      this.#scheduleWord();
      void this.#writeWord();
    });
  }

  #scheduleCalled(): void {
    this.#cancelCalled = this.#deps.clock.after(CALLED_INTERVAL_MS, () => {
      this.#scheduleCalled();
      void this.#writeCalled();
    });
  }

  async #writeWord(): Promise<void> {
    if (!this.hasAny() || this.#queuedWrites > MAX_QUEUED_WRITES) return;
    const { highestEpoch, lastWordWallMs } = this.#inForce.kept();
    const word = Buffer.from(JSON.stringify({ highestEpoch, lastWordWallMs }));
    const isKept = await this.#write('word', () => word);
    if (isKept) this.#keptEpoch = highestEpoch;
  }

  async #writeCalled(): Promise<void> {
    if (!this.#isCalledDirty || this.#queuedWrites > MAX_QUEUED_WRITES) return;
    this.#isCalledDirty = false;
    await this.#write('called', () => this.#called.save());
  }

  /** Resolves to whether it is on disk. @param dueMs not before then */
  #write(kind: string, payload: () => Uint8Array, dueMs = 0): Promise<boolean> {
    this.#queuedWrites += 1;
    const written = this.#writing.then(async () => {
      await this.#waitFor(dueMs);
      try {
        await writeState(join(this.#deps.stateDir, kind), kind, payload());
        this.#deps.notices.recovered('state_not_kept', { kind }, 'the state directory takes files again');
        return true;
      } catch (error) {
        this.#complain('state_not_kept', kind, error, 'a restart will not know of it');
        return false;
      } finally {
        this.#queuedWrites -= 1;
      }
    });
    this.#writing = written;
    return written;
  }

  #waitFor(dueMs: number): Promise<void> {
    const waitMs = dueMs - this.#deps.clock.nowMs();
    if (waitMs <= 0 || this.#isClosing) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(waitMs, resolve);
      this.#hurry = () => {
        cancel();
        resolve();
      };
    });
  }

  async #read(kind: string): Promise<Buffer | undefined> {
    try {
      return await readState(join(this.#deps.stateDir, kind), kind);
    } catch (error) {
      this.#complain('state_ignored', kind, error, 'it is ignored');
      return undefined;
    }
  }

  #attempt(kind: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#complain('state_ignored', kind, error, 'it is ignored');
    }
  }

  #complain(event: string, kind: string, error: unknown, now: string): void {
    this.#deps.count.stateErrors();
    const fields = { kind, stateDir: this.#deps.stateDir, error: String(error) };
    this.#deps.notices.degraded(event, fields, `the state file '${kind}' failed, ${now}`);
  }
}

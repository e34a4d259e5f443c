/**
 * One endpoint of the simulated mesh. It does what deploy/local/apps/endpoint.ts does, with the same slots, the same draws and
 * the same order, but on simulated time and without a socket.
 */
import { drawServiceMs } from '../../../deploy/local/apps/service-time.ts';
import { Slots } from '../../../deploy/local/apps/slots.ts';
import { chanceOf } from '../../../deploy/local/random.ts';
import type { Change } from '../../../deploy/local/scenario/schema.ts';
import type { Backend, Service } from '../../../deploy/local/scenario/service-schema.ts';

export interface EndpointOptions {
  readonly service: Service;
  readonly backend: Backend;
  readonly seed: number;
  /** Runs `then` after that many ms. */
  readonly after: (ms: number, then: () => void) => void;
  /** Makes the calls of a request and says whether those it needs went well. */
  readonly makeCalls: (callId: string, chance: () => number, done: (isOk: boolean) => void) => void;
}

/** Takes a request out of the queue; nothing where it is not in it. */
export type Leave = () => void;

export class SimulatedEndpoint {
  /** Requests per sidecar that were sent here and have no answer yet; each is told when the connections are reset. */
  readonly open = new Set<() => void>();
  readonly zone: string;
  isDown = false;
  private readonly options: EndpointOptions;
  private readonly slots: Slots;
  private now: Pick<Backend, 'errorRatio' | 'serviceTime' | 'concurrency' | 'queue'>;
  private serviceTimeMultiplier = 1;

  constructor(options: EndpointOptions) {
    const { backend } = options;
    this.options = options;
    this.zone = backend.zone;
    this.slots = new Slots(backend.concurrency, backend.queue);
    this.now = backend;
  }

  change(change: Change): void {
    const { errorRatio, serviceTime, concurrency, queue } = { ...this.now, ...change };
    this.now = { errorRatio, serviceTime, concurrency, queue };
    this.serviceTimeMultiplier = change.serviceTimeMultiplier ?? this.serviceTimeMultiplier;
    this.slots.resize(concurrency, queue);
    this.isDown = change.down ?? this.isDown;
    if (this.isDown) for (const reset of [...this.open]) reset();
  }

  /** Back to what the scenario says. */
  heal(): void {
    const { errorRatio, serviceTime, concurrency, queue } = this.options.backend;
    this.change({ errorRatio, serviceTime, concurrency, queue, serviceTimeMultiplier: 1, down: false });
  }

  /** @param attempt from 1; a retry draws anew */
  serve(callId: string, attempt: number, answer: (status: number) => void): Leave {
    const { service, backend, seed, after } = this.options;
    const id = attempt === 1 ? callId : `${callId}r${attempt}`;
    const { errorRatio, serviceTime } = this.now;
    if (errorRatio > 0 && chanceOf(seed, `fails ${service.name} ${id}`)() < errorRatio) {
      answer(backend.errorStatus);
      return nothing;
    }
    const serviceMs = drawServiceMs(serviceTime, chanceOf(seed, `works ${service.name} ${id}`));
    const begin = () => after(timerMs(serviceMs * this.serviceTimeMultiplier), () => this.worked(id, answer));
    const admission = this.slots.enter(begin);
    if (admission === 'full') answer(503);
    return admission === 'queued' ? () => this.slots.leave(begin) : nothing;
  }

  private worked(id: string, answer: (status: number) => void): void {
    const { service, seed, makeCalls } = this.options;
    const end = (isOk: boolean) => {
      if (service.holdsSlot) this.slots.release();
      answer(isOk ? 200 : 502);
    };
    if (!service.holdsSlot) this.slots.release();
    if (service.calls.length === 0) end(true);
    else makeCalls(id, chanceOf(seed, `calls ${service.name} ${id}`), end);
  }
}

const nothing: Leave = () => {};

/** Timers have steps of 1 ms, and none is shorter. */
function timerMs(ms: number): number {
  return Math.max(1, Math.round(ms));
}

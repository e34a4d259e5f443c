/** A steady load on one proxy, open loop, and what became of each call. */
import { type OTHER_PORT, PORT } from './shop.ts';
import type { Answer, Sidecar } from './sidecar.ts';

/** What is wanted of the last so many calls, say, is asked of `recent`. */
export class Load {
  readonly answers: Answer[] = [];
  private readonly timer: NodeJS.Timeout;
  private readonly underWay = new Set<Promise<void>>();

  constructor(proxy: Sidecar, host: string, loadRps: number, port: typeof PORT | typeof OTHER_PORT = PORT) {
    this.timer = setInterval(() => {
      const call = proxy.call(host, port).then(
        (answer) => void this.answers.push(answer),
        () => void this.answers.push({ status: 0, servedBy: undefined, sawBackend: undefined }),
      );
      this.underWay.add(call);
      void call.finally(() => this.underWay.delete(call));
    }, 1_000 / loadRps);
    // A test that fails does not come to stop it, and its suite is to end.
    this.timer.unref();
  }

  /** Calls answered otherwise than with 200, connections that broke included. */
  failed(): number {
    return this.answers.filter(({ status }) => status !== 200).length;
  }

  /** Share of the latest calls that an origin served, 0 to 1; 0 while there are fewer. */
  recentShare(name: string, calls: number): number {
    const latest = this.answers.slice(-calls);
    return latest.length < calls ? 0 : latest.filter(({ servedBy }) => servedBy === name).length / calls;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.underWay);
  }
}

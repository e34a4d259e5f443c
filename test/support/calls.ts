/** Calls through a real Envoy, and what came back. */
import { Pool } from 'undici';
import { CLUSTER_HEADER } from '../../deploy/local/envoy/bootstrap.ts';

export interface Answer {
  readonly status: number;
  /** Name of the origin that answered; undefined: Envoy itself did. */
  readonly servedBy: string | undefined;
  /** The x-weir-backend that the origin was sent; 'none': no such header. */
  readonly sawBackend: string | undefined;
  /** Envoy cluster of the last attempt. */
  readonly cluster: string | undefined;
}

export class Caller {
  private readonly pool: Pool;

  /** @param connections how many calls there may be at one time */
  constructor(port: number, connections = 16) {
    this.pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1, headersTimeout: 60_000 });
  }

  /** @param headers as pairs in one list, so that a name may come twice */
  async call(host: string, headers: readonly string[] = [], signal?: AbortSignal): Promise<Answer> {
    const {
      statusCode,
      headers: back,
      body,
    } = await this.pool.request({
      path: '/',
      method: 'GET',
      headers: ['host', host, ...headers],
      ...(signal ? { signal } : {}),
    });
    await body.dump();
    const header = (name: string) => (back[name] === undefined ? undefined : String(back[name]));
    return {
      status: statusCode,
      servedBy: header('x-served-by'),
      sawBackend: header('x-saw-backend'),
      cluster: header(CLUSTER_HEADER),
    };
  }

  /** So many calls, so many at one time; how many of them each origin served ('none': Envoy answered). */
  async burst(host: string, calls: number, atOnce: number): Promise<Map<string, number>> {
    const served = new Map<string, number>();
    let left = calls;
    const work = async () => {
      while (left-- > 0) {
        const { servedBy = 'none' } = await this.call(host);
        served.set(servedBy, (served.get(servedBy) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return served;
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

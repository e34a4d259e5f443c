/** Requests to the controller's API, right, a little wrong and senseless. None may be answered with a fault of the controller. */
import type { Chance } from '../chance.ts';

const CHANGES = ['freeze', 'unfreeze', 'pin', 'unpin', 'revert'] as const;
const READS = ['graph', 'services', 'tables', 'agents', 'decisions', 'openapi.json', '../healthz', 'no-such'] as const;
const QUERIES = [
  '',
  '?limit=0',
  '?limit=1e9',
  '?limit=5',
  '?beforeId=-1',
  '?service=%00',
  '?x=1',
  '?limit=5&limit=6',
] as const;
const TYPES = ['application/json', 'application/json', 'text/plain', 'application/x-www-form-urlencoded', ''] as const;
const CALLERS = 4;

export class ApiCaller {
  calls = 0;
  refused = 0;
  private readonly url: string;
  private readonly chance: Chance;

  constructor(port: number, chance: Chance) {
    this.url = `http://127.0.0.1:${port}`;
    this.chance = chance;
  }

  /** @param upTo calls in all */
  async call(upTo: number): Promise<void> {
    await Promise.all(Array.from({ length: CALLERS }, () => this.callSome(upTo)));
  }

  private async callSome(upTo: number): Promise<void> {
    while (this.calls < upTo) {
      this.calls += 1;
      const step = this.calls;
      const { path, init } = this.request();
      const response = await fetch(`${this.url}/v1/${path}`, init);
      const text = await response.text();
      if (response.status >= 500)
        throw new Error(`call ${step}, ${init.method} ${path} ${init.body}: ${response.status} ${text}`);
      if (response.status >= 400) {
        this.refused += 1;
        // A program reads the code, a person the message.
        const { code, message } = JSON.parse(text) as Record<string, unknown>;
        if (typeof code !== 'string' || typeof message !== 'string') throw new Error(`call ${step}: ${text}`);
      }
    }
  }

  private request(): { path: string; init: RequestInit } {
    const { chance } = this;
    if (chance.is(0.3)) {
      return {
        path: `${chance.of(READS)}${chance.of(QUERIES)}`,
        init: { method: chance.of(['GET', 'GET', 'DELETE', 'PUT']) },
      };
    }
    const type = chance.of(TYPES);
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
    return { path: chance.of(CHANGES), init: { method: 'POST', headers, body: this.body() } };
  }

  private body(): string | Uint8Array {
    const { chance } = this;
    if (chance.is(0.1)) return new Uint8Array(chance.bytes(chance.below(200)));
    if (chance.is(0.02)) return '['.repeat(60_000);
    if (chance.is(0.02)) return `{"service":"${'x'.repeat(70_000)}"}`;
    const body = JSON.stringify({
      service: chance.of<unknown>([
        'search.demo:8080',
        'search.demo:8080',
        '*',
        '',
        7,
        null,
        'x'.repeat(600),
        '__proto__',
      ]),
      ...(chance.is(0.5) ? { group: chance.of<unknown>(['*', 'zone-a', '', 'constructor', {}]) } : {}),
      ...(chance.is(0.5)
        ? { weights: chance.of<unknown>([{ v1: 9_000, v2: 1_000 }, { v1: 1 }, { v3: 10_000 }, {}, [], 1, { v1: 1e9 }]) }
        : {}),
      by: chance.of<unknown>(['anna', '', 1, 'x'.repeat(256)]),
      ...(chance.is(0.5) ? { why: chance.of<unknown>(['a test', 'y'.repeat(1_001), null]) } : {}),
    });
    return chance.is(0.6) ? body : new Uint8Array(chance.mutated(Buffer.from(body)));
  }
}

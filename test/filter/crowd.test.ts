/** A crowd at one backend spills to others before any decision comes: when, to whom, and to whom never. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { builds, type PretendHost, type Stream } from '../support/pretend-host.ts';
import { type BackendSketch, service, startFilter } from '../support/pretend-host-agent.ts';

const TTL_MS = 3_600_000;
const near = { name: 'near', weight: 9_000, takesOver: true };
const far = { name: 'far', weight: 1_000, takesOver: true };

/** Calls one after the other for `seconds`, 10 a second, that near answers in 10 ms and far in 50. */
function calmDays(host: PretendHost, seconds: number): void {
  for (let i = 0; i < seconds * 10; i++) {
    const stream = host.request();
    const ms = stream.cluster === 'shop-near' ? 10 : 50;
    host.advanceUs(ms * 1_000);
    stream.respond(200).end();
    host.advance(100);
  }
}

/** Requests at once that are not answered; how many each backend got. */
function crowd(host: PretendHost, size: number): { readonly near: number; readonly far: number; streams: Stream[] } {
  const streams = Array.from({ length: size }, () => host.request());
  const at = (cluster: string) => streams.filter((stream) => stream.cluster === cluster).length;
  return { near: at('shop-near'), far: at('shop-far'), streams };
}

function calm(build: (typeof builds)[number], backends: readonly BackendSketch[], more: object = {}) {
  const { host, agent } = startFilter(build);
  const table = (of: readonly BackendSketch[]) => service(of, { draw: 'balanced', ...more });
  agent.deliver([table(backends)], TTL_MS);
  calmDays(host, 10);
  return { host, deliver: (of: readonly BackendSketch[]) => agent.deliver([table(of)], TTL_MS) };
}

for (const build of builds) {
  test(`${build}: a crowd goes where it is answered soonest, by requests in flight and usual latency`, () => {
    const { host } = calm(build, [near, far]);
    const { near: atNear, far: atFar } = crowd(host, 60);
    // Five times as long at far: 50 to 10, where the weights alone say 54 to 6.
    assert.ok(atFar >= 9 && atFar <= 11, `${atFar} of 60 at far`);
    assert.is(atNear + atFar, 60);
  });

  test(`${build}: a few requests at once are no crowd, and weights hold`, () => {
    const { host } = calm(build, [
      { ...near, weight: 9_980 },
      { ...far, weight: 20 },
    ]);
    let atFar = 0;
    for (let i = 0; i < 200; i++) {
      const { far, streams } = crowd(host, 4);
      atFar += far;
      for (const stream of streams) stream.respond(200).end();
    }
    assert.ok(atFar <= 10, `${atFar} of 800 at far`);
  });

  test(`${build}: a crowd that lasts becomes usual, since by then the controller knows of it`, () => {
    const { host } = calm(build, [
      { ...near, weight: 9_980 },
      { ...far, weight: 20 },
    ]);
    const held = crowd(host, 30);
    assert.ok(held.far > 2, `${held.far} of 30 at far`);
    host.advance(120_000);
    for (let i = 0; i < 100; i++) {
      const { far, streams } = crowd(host, 3);
      assert.ok(far <= 1, `${far} of 3`);
      for (const stream of streams) stream.respond(200).end();
    }
  });

  test(`${build}: nothing spills to a backend that the table does not let, that has no weight, that was never seen or just failed`, () => {
    for (const other of [
      { ...far, takesOver: false },
      { ...far, weight: 0 },
    ]) {
      const { host } = calm(build, [{ ...near, weight: 10_000 - other.weight }, other]);
      const { far: atFar } = crowd(host, 60);
      assert.ok(atFar <= (other.weight === 0 ? 0 : 16), `${atFar} of 60 at ${JSON.stringify(other)}`);
    }
    const { host } = calm(build, [near, far]);
    for (let failed = false; !failed; ) {
      const stream = host.request();
      failed = stream.cluster === 'shop-far';
      stream.respond(failed ? 503 : 200).end();
    }
    const { far: atFar } = crowd(host, 400);
    // By weight alone: one in ten, and one in six or seven would spill.
    assert.ok(atFar < 60, `${atFar} of 400`);
  });

  test(`${build}: exact draws know no crowd`, () => {
    const { host } = calm(
      build,
      [
        { ...near, weight: 9_999 },
        { ...far, weight: 1 },
      ],
      { draw: 'exact' },
    );
    assert.ok(crowd(host, 200).far <= 2);
  });

  test(`${build}: a backend that is given more calls is not crowded for having them`, () => {
    const { host, deliver } = calm(build, [
      { ...near, weight: 1_000 },
      { ...far, weight: 9_000 },
    ]);
    // Ten in flight as a rule, nine of them at far.
    for (let i = 0; i < 40; i++) {
      const { streams } = crowd(host, 10);
      host.advance(500);
      for (const stream of streams) stream.respond(200).end();
    }
    deliver([near, far]);
    let atFar = 0;
    for (let i = 0; i < 100; i++) {
      const { far, streams } = crowd(host, 10);
      atFar += far;
      for (const stream of streams) stream.respond(200).end();
    }
    assert.ok(Math.abs(atFar - 100) < 40, `${atFar} of 1000 at far`);
  });
}

test.run();

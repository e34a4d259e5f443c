/** The port of a controller that stands by. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { Standby } from '../../../controller/lead/standby.ts';
import { makeLog } from '../../../controller/log.ts';
import { freePorts } from '../../../deploy/local/apps/ports.ts';

const test = suite('standby');
const log = makeLog('silent');

async function open(leader: () => string | undefined, whyNotReady: () => string | undefined = () => undefined) {
  const [port = 0] = await freePorts(1);
  const standby = new Standby({ config: { host: '127.0.0.1', port }, log, leader, whyNotReady });
  await standby.start();
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return [answer.status, await answer.json()] as const;
  };
  return { standby, ask, port };
}

test('it is alive and ready, and says to everybody else who leads', async () => {
  let leader: string | undefined;
  const { standby, ask, port } = await open(() => leader);
  const nobody = 'nobody leads yet; this controller stands by';
  assert.equal(await ask('/healthz'), [200, { ok: true, message: nobody }]);
  leader = 'weir-controller-7_1';
  const message = 'weir-controller-7_1 leads; this controller stands by';
  assert.equal(await ask('/readyz?verbose'), [200, { ok: true, message }]);
  const refused = [503, { code: 'WEIR_API_STANDBY', message }] as const;
  assert.equal(await ask('/v1/services'), refused);
  assert.equal(await ask('/v1/pin', { method: 'POST', body: '{}' }), refused);
  assert.equal(await ask('/metrics'), refused);
  const agent = new WebSocket(`ws://127.0.0.1:${port}/v1/agents`);
  agent.on('error', () => {});
  const [, answer] = (await once(agent, 'unexpected-response')) as [unknown, IncomingMessage];
  assert.is(answer.statusCode, 503, 'an agent is not left hanging');
  answer.destroy();
  await standby.close();
});

test('what keeps it from taking over is why it is not ready, and no reason to end it', async () => {
  const { standby, ask } = await open(
    () => undefined,
    () => 'a reason',
  );
  assert.equal(await ask('/readyz'), [503, { ok: false, message: 'a reason' }]);
  assert.is((await ask('/healthz'))[0], 200);
  await standby.close();
});

test('its port is free once it is closed, and closing twice is closing', async () => {
  const [port = 0] = await freePorts(1);
  const options = { config: { host: '127.0.0.1', port }, log, leader: () => undefined, whyNotReady: () => undefined };
  const first = new Standby(options);
  await first.start();
  const second = new Standby(options);
  let code: unknown;
  await second.start().catch((error: { code?: unknown }) => {
    code = error.code;
  });
  assert.is(code, 'EADDRINUSE');
  await first.close();
  await first.close();
  const third = new Standby(options);
  await third.start();
  await third.close();
});

test.run();

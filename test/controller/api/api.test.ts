/** The API by itself: what it answers, what it refuses, and in which words. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedToken } from '../../../controller/access/shared-token.ts';
import { type Api, type ApiOptions, createApi } from '../../../controller/api/api.ts';
import type { Decision } from '../../../controller/decision.ts';
import { NotMeasured, UnknownBackend, UnknownService } from '../../../controller/errors.ts';

const decision: Decision = {
  id: 3,
  atMs: 1,
  kind: 'manual',
  service: 'a:80',
  group: '*',
  by: 'anna',
  from: {},
  to: {},
  why: 'frozen',
  evidence: { deep: [{ kept: true }] },
};

interface Context {
  api: Api;
  calls: unknown[];
  faults: Error[];
  health: { alive: string | undefined; ready: string | undefined };
}

const test = suite<Context>('api');

async function open(context: Context, more: Partial<ApiOptions> = {}): Promise<void> {
  const { calls, faults, health } = context;
  const change = (name: string) => (body: object) => {
    calls.push([name, body]);
    return [decision];
  };
  context.api = await createApi({
    release: '1.2.3',
    readings: {
      graph: () => ({ edges: [{ cluster: 'c', extra: 1 }] }),
      configured: () => undefined,
      services: () => [{ service: 'a:80' }],
      demand: ({ service, backend }) => {
        if (service !== 'a:80') throw new NotMeasured(service, 'no agent has reported yet');
        if (backend !== 'v1') throw new UnknownBackend(service, backend, ['v1']);
        return { loadRps: 12.5, measuredRps: 10, foreseenRps: 12.5, aheadS: 60 };
      },
      routes: () => [],
      called: () => [],
      tables: () => ({ type: 'tables', epoch: 2, number: 3, ttlMs: 1, services: [] }),
      agents: () => [],
      decisions: (query) => {
        calls.push(query);
        return [decision];
      },
    },
    changes: {
      freeze: change('freeze'),
      unfreeze: change('unfreeze'),
      pin: change('pin'),
      unpin: change('unpin'),
      revert: change('revert'),
    },
    health: {
      whyNotAlive: () => health.alive,
      whyNotReady: () => health.ready,
      metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'weir_up 1\n' }),
    },
    onFault: (error) => faults.push(error),
    ...more,
  });
}

test.before.each((context) => {
  Object.assign(context, { calls: [], faults: [], health: { alive: undefined, ready: undefined } });
});
test.after.each(({ api }) => api.close());

test('what is asked is answered whole', async (context) => {
  await open(context);
  const get = async (url: string) => (await context.api.inject(url)).json();
  assert.equal(await get('/v1/graph'), { edges: [{ cluster: 'c', extra: 1 }] });
  assert.equal(await get('/v1/services'), { services: [{ service: 'a:80' }] });
  assert.is((await get('/v1/tables')).number, 3);
  assert.equal(await get('/v1/agents'), { agents: [] });
  assert.equal(await get('/v1/decisions?service=a:80&limit=7&beforeId=9'), { decisions: [decision] });
  await get('/v1/decisions');
  assert.equal(context.calls, [{ service: 'a:80', limit: 7, beforeId: 9 }, { limit: 50 }]);
});

test('an autoscaler is told what a backend is to be ready for, or that it is not known', async (context) => {
  await open(context);
  const ask = (query: string) => context.api.inject(`/v1/demand?${query}`);
  const known = await ask('service=a%3A80&backend=v1');
  assert.equal(known.json(), { loadRps: 12.5, measuredRps: 10, foreseenRps: 12.5, aheadS: 60 });
  const unknown = await ask('service=b:80&backend=v1');
  assert.is(unknown.statusCode, 503);
  assert.equal(unknown.json(), {
    code: 'WEIR_CONTROLLER_NOT_MEASURED',
    message: 'how much b:80 is called is not known: no agent has reported yet',
  });
  assert.is((await ask('service=a:80&backend=v9')).statusCode, 404);
  const without = await ask('service=a:80');
  assert.is(without.statusCode, 400);
  assert.match(without.json().message, 'backend');
  assert.equal(context.faults, []);
});

test('every change reaches the core and answers with its decisions', async (context) => {
  await open(context);
  const bodies = {
    freeze: { service: 'a:80', by: 'anna', why: 'audit' },
    unfreeze: { service: '*', by: 'anna' },
    pin: { service: 'a:80', group: 'zone-a', weights: { v1: 10_000 }, by: 'anna' },
    unpin: { service: 'a:80', by: 'anna' },
    revert: { service: 'a:80', by: 'anna' },
  };
  for (const [name, payload] of Object.entries(bodies)) {
    const response = await context.api.inject({ method: 'POST', url: `/v1/${name}`, payload });
    assert.is(response.statusCode, 200, name);
    assert.equal(response.json(), { decisions: [decision] });
  }
  assert.equal(context.calls, Object.entries(bodies));
});

test('a wrong body or query is refused in a sentence and reaches nobody', async (context) => {
  await open(context);
  const post = async (payload: object | string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await context.api.inject({ method: 'POST', url: '/v1/freeze', payload, headers });
    assert.is(response.statusCode, 400);
    assert.is(response.json().code, 'WEIR_API_BAD_REQUEST');
    return response.json().message as string;
  };
  assert.match(await post({ by: 'anna' }), 'service');
  assert.match(await post({ service: 7, by: 'anna' }), 'body/service must be string');
  assert.match(await post({ service: 'a:80', by: 'anna', wy: 'x' }), 'body/wy');
  assert.match(await post('{'), 'JSON');
  const query = await context.api.inject('/v1/decisions?limit=many');
  assert.is(query.statusCode, 400);
  assert.match(query.json().message, 'querystring/limit must be integer');
  assert.equal(context.calls, []);
});

test('errors of the core keep their code and sentence', async (context) => {
  const refuse = () => {
    throw new UnknownService('b:80', ['a:80']);
  };
  const changes = { freeze: refuse, unfreeze: refuse, pin: refuse, unpin: refuse, revert: refuse };
  await open(context, { changes });
  const payload = { service: 'b:80', by: 'anna' };
  const response = await context.api.inject({ method: 'POST', url: '/v1/freeze', payload });
  assert.is(response.statusCode, 404);
  assert.equal(response.json(), {
    code: 'WEIR_CONTROLLER_UNKNOWN_SERVICE',
    message: 'no AdaptiveRoute names the service b:80; known services are a:80',
  });
  assert.equal(context.faults, []);
});

test('a fault of ours is 500, and told to the log', async (context) => {
  const readings = {
    configured: () => undefined,
    graph: () => {
      throw new Error('the graph is torn');
    },
    services: () => [],
    demand: () => ({ loadRps: 0, measuredRps: 0, foreseenRps: 0, aheadS: 0 }),
    routes: () => [],
    called: () => [],
    tables: () => ({ type: 'tables' as const, epoch: 1, number: 1, ttlMs: 1, services: [] }),
    agents: () => [],
    decisions: () => [],
  };
  await open(context, { readings });
  const response = await context.api.inject('/v1/graph');
  assert.is(response.statusCode, 500);
  assert.equal(response.json(), { code: 'WEIR_API_FAULT', message: 'the controller failed: the graph is torn' });
  assert.is(context.faults.length, 1);
});

test('a token is asked for what changes state and for nothing else', async (context) => {
  await open(context, { access: sharedToken('a-token-of-some-length') });
  const post = (authorization?: string) =>
    context.api.inject({
      method: 'POST',
      url: '/v1/freeze',
      payload: { service: 'a:80', by: 'anna' },
      headers: authorization === undefined ? {} : { authorization },
    });
  const answerTo = async (authorization?: string) => {
    const response = await post(authorization);
    return [response.statusCode, response.json().code];
  };
  for (const header of [undefined, 'a-token-of-some-length']) {
    assert.equal(await answerTo(header), [401, 'WEIR_API_NO_TOKEN']);
  }
  for (const header of ['Bearer wrong', 'Bearer a-token-of-some-length2']) {
    assert.equal(await answerTo(header), [401, 'WEIR_API_BAD_TOKEN']);
  }
  assert.equal(context.calls, []);
  assert.is((await post('Bearer a-token-of-some-length')).statusCode, 200);
  assert.is((await context.api.inject('/v1/tables')).statusCode, 200);
  assert.is((await context.api.inject('/metrics')).statusCode, 200);
});

test('probes say what is wrong', async (context) => {
  await open(context);
  const probe = async (url: string) => {
    const response = await context.api.inject(url);
    return [response.statusCode, response.json().message];
  };
  assert.equal(await probe('/healthz'), [200, 'ok']);
  assert.equal(await probe('/readyz'), [200, 'ok']);
  context.health.alive = 'no window was decided for 20000 ms';
  context.health.ready = 'stopping';
  assert.equal(await probe('/healthz'), [503, 'no window was decided for 20000 ms']);
  assert.equal(await probe('/readyz'), [503, 'stopping']);
});

test('metrics are Prometheus text', async (context) => {
  await open(context);
  const response = await context.api.inject('/metrics');
  assert.match(response.headers['content-type'] as string, 'text/plain; version=0.0.4');
  assert.is(response.body, 'weir_up 1\n');
});

test('a path that is not there is answered with the nearest', async (context) => {
  await open(context);
  const response = await context.api.inject('/v1/table');
  assert.is(response.statusCode, 404);
  assert.is(response.json().message, 'there is no GET /v1/table; did you mean /v1/tables?');
});

test('where nothing of the configuration is known, it is said', async (context) => {
  await open(context);
  const response = await context.api.inject('/v1/configured');
  assert.is(response.statusCode, 404);
  assert.is(response.json().code, 'WEIR_API_NO_CONFIGURATION');
});

test('the description names every path', async (context) => {
  await open(context, { access: sharedToken('a-token-of-some-length') });
  const description = (await context.api.inject('/v1/openapi.json')).json();
  assert.is(description.openapi, '3.1.0');
  assert.is(description.info.version, '1.2.3');
  const changing = ['/v1/freeze', '/v1/unfreeze', '/v1/pin', '/v1/unpin', '/v1/revert'];
  const reading = [
    '/v1/graph',
    '/v1/services',
    '/v1/routes',
    '/v1/calls',
    '/v1/configured',
    '/v1/tables',
    '/v1/agents',
    '/v1/decisions',
    '/v1/demand',
    '/v1/filter/{file}',
  ];
  assert.equal(
    Object.keys(description.paths).sort(),
    [...changing, ...reading, '/healthz', '/readyz', '/metrics'].sort(),
  );
  for (const path of changing) assert.equal(description.paths[path].post.security, [{ token: [] }]);
  const pin = description.paths['/v1/pin'].post.requestBody.content['application/json'].schema;
  assert.equal(pin.required, ['service', 'weights', 'by']);
});

test.run();

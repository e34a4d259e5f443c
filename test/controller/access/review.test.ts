/** Tokens that an API server is asked about; it is asked once a minute, and who is turned down is told why. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Reviewed } from '../../../controller/access/review.ts';
import { HandClock } from '../../support/clock.ts';

const test = suite('token review');
const AUDIENCE = 'weir';

interface Asked {
  tokens: string[];
  paths: string[];
}

function rig(more: { audiences?: string[]; allowed?: boolean; trouble?: Error; silent?: boolean } = {}) {
  const asked: Asked = { tokens: [], paths: [] };
  const clock = new HandClock();
  const answers = { authenticated: true, audiences: [AUDIENCE], allowed: true, ...more };
  const access = new Reviewed({
    authentication: {
      createTokenReview: async ({ body }) => {
        asked.tokens.push(body.spec.token ?? '');
        if (answers.trouble) throw answers.trouble;
        if (answers.silent) return new Promise(() => {});
        const user = { username: 'system:serviceaccount:weir-system:weir-agent', groups: ['system:serviceaccounts'] };
        const isKnown = body.spec.token !== 'forged';
        const { audiences } = answers;
        return { ...body, status: { authenticated: isKnown, audiences, ...(isKnown && { user }) } };
      },
    },
    authorization: {
      createSubjectAccessReview: async ({ body }) => {
        const { path = '', verb = '' } = body.spec.nonResourceAttributes ?? {};
        asked.paths.push(`${body.spec.user} ${verb} ${path}`);
        return { ...body, status: { allowed: answers.allowed } };
      },
    },
    audience: AUDIENCE,
    clock,
    explain: (error) => (error as Error).message,
  });
  return { access, asked, clock, answers };
}

test('who may is asked about once a minute', async () => {
  const { access, asked, clock } = rig();
  for (const seconds of [0, 30, 29]) {
    clock.advance(seconds * 1_000);
    assert.is(await access.refusal('agent', 'Bearer good'), undefined);
  }
  assert.equal(asked.tokens, ['good']);
  clock.advance(1_000);
  await access.refusal('agent', 'Bearer good');
  assert.equal(asked.tokens, ['good', 'good']);
  assert.is(asked.paths[0], 'system:serviceaccount:weir-system:weir-agent get /weir/agents');
  await access.refusal('change', 'Bearer good');
  assert.is(asked.paths.at(-1), 'system:serviceaccount:weir-system:weir-agent post /weir/changes');
});

test('each way to be turned down has its word, and no token is in it', async () => {
  const reason = async (more: Parameters<typeof rig>[0], header?: string) => {
    const refusal = await rig(more).access.refusal('agent', header);
    assert.not.match(refusal?.message ?? '', /secret|forged/);
    return refusal?.reason;
  };
  assert.is(await reason({}), 'none');
  assert.is(await reason({}, 'Basic secret'), 'none');
  assert.is(await reason({}, 'Bearer forged'), 'bad');
  assert.is(await reason({ audiences: ['vault'] }, 'Bearer secret'), 'bad');
  assert.is(await reason({ allowed: false }, 'Bearer secret'), 'forbidden');
  assert.is(await reason({ trouble: new Error('refused') }, 'Bearer secret'), 'unknown');
});

test('a role that is given counts soon, trouble is not remembered', async () => {
  const { access, clock, answers } = rig({ allowed: false });
  assert.is((await access.refusal('agent', 'Bearer good'))?.reason, 'forbidden');
  answers.allowed = true;
  clock.advance(5_000);
  assert.is(await access.refusal('agent', 'Bearer good'), undefined);
  answers.trouble = new Error('refused');
  assert.is((await access.refusal('agent', 'Bearer other'))?.reason, 'unknown');
  delete answers.trouble;
  assert.is(await access.refusal('agent', 'Bearer other'), undefined);
});

test('an API server that does not answer keeps nobody waiting for long', async () => {
  const { access, clock } = rig({ silent: true });
  const refusal = access.refusal('agent', 'Bearer good');
  clock.advance(4_000);
  assert.match((await refusal)?.message ?? '', 'no answer came in time');
});

test.run();

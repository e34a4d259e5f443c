/** The Dockerfile, which nobody can run here: it parses, and each of its images is configured as the layout of that name. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Copy,
  DockerfileParser,
  type Env,
  type Instruction,
  type JSONInstruction,
  type Label,
} from 'dockerfile-ast';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PROGRAMS, runOf } from '../../../deploy/images/images.ts';
import { packageJson } from '../../../deploy/images/packages.ts';
import { packageRoot } from '../../../deploy/local/root.ts';

const test = suite('the Dockerfile');
const text = readFileSync(join(packageRoot, 'deploy', 'images', 'Dockerfile'), 'utf8');

/** Instructions by the name of their stage. */
const stages = new Map<string, Instruction[]>();
let stage: Instruction[] = [];
for (const instruction of DockerfileParser.parse(text).getInstructions()) {
  if (instruction.getKeyword() === 'FROM') {
    stage = [];
    stages.set(instruction.getArguments().at(-1)?.getValue() ?? '', stage);
  }
  stage.push(instruction);
}

function of(name: string, keyword: string): Instruction {
  const [found, ...more] = (stages.get(name) ?? []).filter((each) => each.getKeyword() === keyword);
  assert.ok(found && more.length === 0, `one ${keyword} in ${name}`);
  return found;
}

const pairs = (of: Instruction) =>
  (of as Env | Label).getProperties().map((each) => [each.getName(), each.getValue()] as const);
const strings = (of: Instruction) => (of as JSONInstruction).getJSONStrings().map((each) => each.getJSONValue());

test('it builds the agent and the controller from what one stage has built', () => {
  assert.equal([...stages.keys()], ['builder', 'agent', 'controller']);
  assert.is(of('builder', 'FROM').getArguments().at(0)?.getValue(), 'node:24-bookworm');
  const run = of('builder', 'RUN').getArgumentsContent() ?? '';
  const [, script = ''] = /npm run (\w+) --/.exec(run) ?? [];
  assert.ok(script in packageJson.scripts, `${script} is a script`);
  for (const path of ['package-lock.json', 'deploy/images/Dockerfile.dockerignore']) {
    assert.ok(existsSync(join(packageRoot, path)));
  }
});

for (const [name, program] of Object.entries(PROGRAMS)) {
  test(`the ${name} is from scratch, and configured as its layout`, () => {
    assert.is(of(name, 'FROM').getArguments().at(0)?.getValue(), 'scratch');
    const copy = of(name, 'COPY') as Copy;
    assert.equal(
      [copy.getFromFlag()?.getValue(), copy.getArgumentsContent()],
      ['builder', `/images/${program.name}/ /`],
    );
    const shown = {
      User: of(name, 'USER').getArgumentsContent(),
      ExposedPorts: { [of(name, 'EXPOSE').getArgumentsContent() ?? '']: {} },
      Env: pairs(of(name, 'ENV')).map(([key, value]) => `${key}=${value}`),
      Entrypoint: strings(of(name, 'ENTRYPOINT')),
      Cmd: strings(of(name, 'CMD')),
      WorkingDir: of(name, 'WORKDIR').getArgumentsContent(),
      Labels: Object.fromEntries(pairs(of(name, 'LABEL'))),
    };
    assert.equal(shown, runOf(program));
  });
}

test.run();

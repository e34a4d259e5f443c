/** The command as a process of its own: the filter's image, twice the same, and what it says of what is asked wrongly. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { FILTER_IMAGE, PROGRAMS } from '../../../deploy/images/images.ts';
import { readTar } from '../../../deploy/images/tar.ts';
import { buildRoot, packageRoot } from '../../../deploy/local/root.ts';

const test = suite('npm run images');
let folder: string;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-images-'));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

function images(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const main = join(buildRoot, 'deploy', 'images', 'main.js');
  const { SOURCE_DATE_EPOCH: _, ...around } = process.env;
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env: { ...around, ...env } });
}

test('the image of the filter is one layer with the module that was built, and twice the same', async () => {
  const outputs = ['one', 'two'].map((name) => join(folder, name));
  const said = outputs.map((output) => images(['--only', 'filter', '--output', output]));
  const [digest] = /weir-filter@sha256:[0-9a-f]{64}/.exec(said[0]?.stdout ?? '') ?? [];
  assert.ok(digest, said[0]?.stderr);
  assert.match(said[1]?.stdout ?? '', digest);
  const read = (output: string, name: string) => readFileSync(join(output, FILTER_IMAGE, ...name.split(/[:/]/)));
  const [one = '', two = ''] = outputs;
  for (const name of ['index.json', 'oci-layout']) assert.equal(read(one, name), read(two, name));
  assert.equal(
    readdirSync(join(one, FILTER_IMAGE, 'blobs', 'sha256')),
    readdirSync(join(two, FILTER_IMAGE, 'blobs', 'sha256')),
  );
  const manifest = JSON.parse(String(read(one, `blobs/${digest.split('@')[1]}`)));
  assert.equal(
    manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType),
    ['application/vnd.oci.image.layer.v1.tar+gzip'],
  );
  const [module, ...others] = await readTar(gunzipSync(read(one, `blobs/${manifest.layers[0].digest}`)), () => true);
  assert.equal([module?.path, others], ['plugin.wasm', []]);
  assert.ok(
    module?.kind === 'file' && module.bytes.equals(readFileSync(join(packageRoot, 'filter', 'build', 'weir.wasm'))),
  );
});

test('what is asked wrongly is said in a sentence, and nothing is written', () => {
  const output = join(folder, 'none');
  const wrong = images(['--output', output, '--only', 'filter,proxy']);
  assert.match(wrong.stderr, 'It must be some of filter, agent, controller, with commas between.');
  assert.match(images(['--output', output, '--arch', 's390x']).stderr, 'Allowed choices are amd64, arm64.');
  assert.match(images([]).stderr, "required option '--output <folder>' not specified");
  const epoch = images(['--output', output, '--only', 'filter'], { SOURCE_DATE_EPOCH: 'today' });
  assert.is(epoch.stderr, 'SOURCE_DATE_EPOCH is today; it must be whole seconds since 1970\n');
  assert.is(epoch.status, 1);
  assert.not.ok(readdirSync(folder).includes('none'));
});

test('the chart asks for images of the names that are built', () => {
  const values = parse(readFileSync(join(packageRoot, 'deploy', 'helm', 'weir', 'values.yaml'), 'utf8'));
  assert.is(values.controller.image.repository, PROGRAMS.controller.name);
  assert.is(values.agent.image.repository, PROGRAMS.agent.name);
});

test.run();

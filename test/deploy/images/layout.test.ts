/** Layers and image layouts: the same bytes for the same entries, what tar itself reads in them, and digests that are right. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Entry, file, inOrder } from '../../../deploy/images/entries.ts';
import { type Image, layerOf, writeLayout } from '../../../deploy/images/layout.ts';
import { writeRootFs } from '../../../deploy/images/root-fs.ts';
import { readTar, writeTar } from '../../../deploy/images/tar.ts';

const test = suite('image layouts');
const EPOCH_S = 1_700_000_000;
const long = `opt/${'deep/'.repeat(30)}leaf`;
const entries: readonly Entry[] = [
  file('usr/bin/tool', 'run me', true),
  file('etc/passwd', 'root\n'),
  { kind: 'link', path: 'bin', target: 'usr/bin' },
  { kind: 'folder', path: 'tmp' },
  file(long, Buffer.from([0, 255, 10])),
];
let folder: string;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-layout-'));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function image(given: readonly Entry[], epochS = EPOCH_S): Promise<Image> {
  const layers = [await layerOf(given, 'a test', epochS)];
  return { architecture: 'amd64', os: 'linux', layers, annotations: { a: 'b' }, tag: '1.2.3', epochS };
}

/** Every file of a folder by path, with its bytes. */
function contents(of: string): Record<string, string> {
  const paths = readdirSync(of, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(of, path)).isFile(),
  );
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(of, path), 'base64')]));
}

test('an archive is read back as what was written, long paths and binary files too', async () => {
  const ordered = inOrder(entries);
  assert.equal(await readTar(await writeTar(ordered, EPOCH_S), () => true), ordered);
  const some = await readTar(await writeTar(ordered, EPOCH_S), (path) => path.startsWith('etc'));
  assert.equal(
    some.map(({ path }) => path),
    ['etc', 'etc/passwd'],
  );
});

test('tar itself finds root as the owner of all, the given time, and modes that do not depend on who built', async () => {
  const path = join(folder, 'archive.tar');
  writeFileSync(path, await writeTar(inOrder(entries), EPOCH_S));
  const text = execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--file', path], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  const lines = text.trimEnd().split('\n');
  assert.is(lines.length, inOrder(entries).length);
  assert.ok(lines.every((line) => /^\S+ 0\/0 +\d+ 2023-11-14 22:13 /.test(line)));
  for (const wanted of [
    /^-rwxr-xr-x .* usr\/bin\/tool$/m,
    /^-rw-r--r-- .* etc\/passwd$/m,
    /^lrwx.* bin -> usr\/bin$/m,
  ]) {
    assert.match(text, wanted);
  }
});

test('two things at one path, and a file inside a link, are refused', () => {
  const twice = [file('etc/passwd', 'a'), file('etc/passwd', 'a')];
  assert.throws(() => inOrder(twice), /two things are to be at \/etc\/passwd, a file and a file/);
  const inside: readonly Entry[] = [{ kind: 'link', path: 'bin', target: 'usr/bin' }, file('bin/sh', '')];
  assert.throws(() => inOrder(inside), /\/bin\/sh is to be in \/bin, which is a link/);
});

test('the same entries in another order are the same layout, another time is another', async () => {
  const paths = ['one', 'two', 'three'].map((name) => join(folder, name));
  const [one = '', two = '', three = ''] = paths;
  const first = writeLayout(one, await image(entries));
  const second = writeLayout(two, await image([...entries].reverse()));
  const third = writeLayout(three, await image(entries, EPOCH_S + 1));
  assert.equal(first, second);
  assert.equal(contents(one), contents(two));
  assert.is.not(first.digest, third.digest);
});

test('each blob is named by its digest, and the configuration names the layers before compression', async () => {
  const path = join(folder, 'checked');
  const { digest, sizeBytes } = writeLayout(path, await image(entries));
  const blobs = readdirSync(join(path, 'blobs', 'sha256'));
  const read = (name: string) => readFileSync(join(path, 'blobs', 'sha256', name.replace('sha256:', '')));
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  for (const name of blobs) assert.is(sha256(read(name)), name);
  assert.is(
    blobs.reduce((sum, name) => sum + read(name).length, 0),
    sizeBytes,
  );
  const index = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8'));
  assert.is(index.manifests[0].digest, digest);
  assert.is(index.manifests[0].annotations['org.opencontainers.image.ref.name'], '1.2.3');
  const manifest = JSON.parse(String(read(digest)));
  const config = JSON.parse(String(read(manifest.config.digest)));
  const layer = read(manifest.layers[0].digest);
  assert.equal(config.rootfs.diff_ids, [`sha256:${sha256(gunzipSync(layer))}`]);
  assert.is(config.created, '2023-11-14T22:13:20.000Z');
  assert.is(layer.length, manifest.layers[0].size);
});

test('a layout is replaced, anything else that is there is not', async () => {
  const path = join(folder, 'replaced');
  writeLayout(path, await image([file('old', '')]));
  writeLayout(path, await image(entries));
  assert.equal(contents(path), contents(join(folder, 'one')));
  const other = join(folder, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'letters.txt'), 'mine');
  const given = await image(entries);
  assert.throws(() => writeLayout(other, given), /other is there and is no image layout; name another folder/);
  assert.equal(readdirSync(other), ['letters.txt']);
});

test('a root file system as a folder is what tar makes of the layer', async () => {
  const [written, unpacked] = [join(folder, 'written'), join(folder, 'unpacked')];
  writeRootFs(written, entries);
  mkdirSync(unpacked);
  const { bytes } = await layerOf(entries, 'a test', EPOCH_S);
  execFileSync('tar', ['--extract', '--gzip', '--no-same-owner', '--directory', unpacked], { input: bytes });
  const looks = (of: string) =>
    execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P %M %l\n'], { cwd: of, encoding: 'utf8' })
      .split('\n')
      .sort();
  assert.equal(looks(written), looks(unpacked));
  assert.equal(contents(written), contents(unpacked));
  assert.throws(() => writeRootFs(written, entries), /is there already; name another folder/);
});

test.run();

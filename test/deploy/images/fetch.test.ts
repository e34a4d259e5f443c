/** What is fetched is what is pinned, or nothing is: a real server on loopback that serves the wrong, the right and nothing. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fetchFile } from '../../../deploy/images/fetch.ts';

const test = suite('fetching what is pinned');
const right = Buffer.from('the bytes that are pinned');
const wrong = Buffer.from('as long, yet not the same');
const pinned = {
  name: 'thing_1_all.deb',
  sizeBytes: right.length,
  sha256: createHash('sha256').update(right).digest('hex'),
};
/** What the server answers by the first part of a path; elsewhere 404. */
const answers: Readonly<Record<string, Buffer>> = { right, wrong, short: right.subarray(1) };
let server: Server;
let folder: string;
let asked: string[] = [];

test.before(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const answer = answers[request.url?.split('/')[1] ?? ''];
    response.writeHead(answer ? 200 : 404).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
test.after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-fetch-'));
  asked = [];
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

function fetchFrom(...places: readonly string[]): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const urls = places.map((place) => `http://127.0.0.1:${port}/${place}/${pinned.name}`);
  return fetchFile(pinned, urls, 'pin its successor', { folder, say: () => {} });
}

test('what matches is kept and not asked for again', async () => {
  const path = await fetchFrom('right');
  assert.equal(readFileSync(path), right);
  assert.is(await fetchFrom('right'), path);
  assert.equal(asked, ['/right/thing_1_all.deb']);
});

test('the next place is asked where one has not got it, or has something else', async () => {
  assert.equal(readFileSync(await fetchFrom('gone', 'short', 'wrong', 'right')), right);
  assert.is(asked.length, 4);
});

test('where no place has it, it is said what each had, and nothing is kept', async () => {
  const complaint = await fetchFrom('gone', 'short', 'wrong').then(String, (error: Error) => error.message);
  assert.match(complaint, /^thing_1_all\.deb could not be had; pin its successor /);
  assert.match(
    complaint,
    /gone\S+: it answers 404; .*short\S+: it has 24 bytes, 25 are pinned; .*wrong\S+: its sha256 is not the one/,
  );
  assert.equal(readdirSync(folder), []);
});

test('what was changed in the cache is fetched again', async () => {
  writeFileSync(await fetchFrom('right'), wrong);
  assert.equal(readFileSync(await fetchFrom('right')), right);
});

test.run();

/** The custom resource definition by itself; what a real API server makes of it is in test/istio. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { routeCrd } from '../../../controller/routes/crd.ts';
import { packageRoot } from '../../../deploy/local/root.ts';

test('the file that the chart installs is what the schema says: npm run emit writes it anew', () => {
  const path = join(packageRoot, 'deploy', 'helm', 'weir', 'crds', 'adaptiveroutes.yaml');
  assert.equal(parse(readFileSync(path, 'utf8')), routeCrd());
});

test('nothing in it is what a structural schema may not have', () => {
  const text = JSON.stringify(routeCrd());
  for (const word of ['"anyOf"', '"const"', '"additionalProperties":false', '"~'])
    assert.not.ok(text.includes(word), word);
});

test.run();

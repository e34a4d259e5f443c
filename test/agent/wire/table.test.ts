/** Table messages: round trip, ids that are hashes, and hostile bytes for whoever stands in for a filter. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadFrame } from '../../../agent/errors.ts';
import {
  decodeTable,
  encodeView,
  faultOf,
  NO_VIEW,
  serviceBytes,
  tableMessage,
  unchangedMessage,
} from '../../../agent/wire/table.ts';
import type { ServiceTable } from '../../../controller/wire/messages.ts';
import { seeded } from '../../support/random.ts';
import { NO_VIEW_ID, serviceOf } from '../sketch.ts';

const services = [
  serviceOf('shop', { trialId: 7, trialShare: 100, draw: 'exact' }),
  serviceOf('päy', { entryClusters: [] }),
];
const view = encodeView(services, 3, 9);
const fault = (service: ServiceTable) => faultOf(service) ?? 'none';
const withoutName = ({ service: _, group: __, ...rest }: ReturnType<typeof serviceOf>) => rest;

test('a view is read as it was written, under the ttl of its moment', () => {
  assert.equal(decodeTable(tableMessage(view, 1_234.2)), {
    viewId: view.viewId,
    isUnchanged: false,
    tableEpoch: 3,
    tableNumber: 9,
    ttlMs: 1_235,
    services: services.map(withoutName),
  });
});

test('unchanged carries the id and a new ttl, and no services', () => {
  const message = decodeTable(unchangedMessage(view, 50));
  assert.is(message.isUnchanged, true);
  assert.is(message.viewId, view.viewId);
  assert.is(message.ttlMs, 50);
  assert.equal(message.services, []);
});

test('no view is a table without services whose id is zeros', () => {
  const message = decodeTable(tableMessage(NO_VIEW, 0));
  assert.is(message.viewId, NO_VIEW_ID);
  assert.equal(message.services, []);
});

test('the same view has the same id whoever encodes it, another weight another id', () => {
  assert.is(encodeView(services, 3, 9).viewId, view.viewId);
  assert.is.not(encodeView(services.slice(1), 3, 9).viewId, view.viewId);
  assert.is.not(encodeView(services, 3, 10).viewId, view.viewId);
  assert.is.not(encodeView(services, 4, 9).viewId, view.viewId);
});

test('the bytes that a service is said to take are those it takes', () => {
  for (const service of services) assert.is(encodeView([service], 1, 1).body.length, serviceBytes(service));
});

test('what a filter could not read is a fault with a sentence', () => {
  const backend = { name: 'a', cluster: 'shop-a', weight: 10_000, trialWeight: 10_000 };
  assert.is(faultOf(serviceOf('shop')), undefined);
  assert.match(fault(serviceOf('shop', { backends: [{ ...backend, weight: 9_999 }] })), 'its weights sum to 9999');
  assert.match(fault(serviceOf('shop', { backends: [{ ...backend, trialWeight: 0 }] })), 'its trial weights sum to 0');
  assert.match(fault(serviceOf('shop', { backends: [{ ...backend, cluster: '' }] })), "the cluster of backend 'a'");
  assert.match(fault(serviceOf('shop', { backends: [{ ...backend, name: 'ä'.repeat(128) }] })), '1 to 255 bytes');
  assert.match(fault(serviceOf('shop', { trialId: 2 ** 32 })), 'its trial id 4294967296');
  assert.match(fault(serviceOf('shop', { entryClusters: [''] })), "an entry cluster's name");
});

test('a table cut off at any length, or changed by chance, is refused or read, never more', () => {
  const message = tableMessage(view, 1_000);
  const tries = (bytes: Uint8Array) => {
    try {
      decodeTable(bytes);
      return 'taken';
    } catch (error) {
      if (error instanceof BadFrame) return 'refused';
      throw error;
    }
  };
  for (let length = 0; length < message.length; length++) assert.is(tries(message.subarray(0, length)), 'refused');
  const random = seeded(2);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(message);
    for (let i = 0; i < 3; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    tries(bytes);
  }
});

test.run();

/** What a cluster's objects say of its mesh. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { configuredOf, type MeshObjects } from '../../../controller/intake/configuration.ts';

const named = (name: string, namespace = 'shop') => ({ metadata: { name, namespace } });
const objects: MeshObjects = {
  services: [{ ...named('search'), spec: { ports: [{ port: 80 }, { port: 9090 }] } }],
  serviceEntries: [{ ...named('mail'), spec: { hosts: ['mail.example.com'], ports: [{ number: 443 }] } }],
  destinationRules: [
    { ...named('search'), spec: { host: 'search', subsets: [{ name: 'v1' }] } },
    { ...named('lost'), spec: { host: 'lost', subsets: [{ name: 'v1' }] } },
  ],
  virtualServices: [],
};
const HOST = 'search.shop.svc.cluster.local';

test('each port of each host is a cluster, and each subset on each port', () => {
  assert.equal(configuredOf(objects).clusters, [
    { cluster: `outbound|80||${HOST}`, service: `${HOST}:80`, by: 'Service shop/search' },
    { cluster: `outbound|9090||${HOST}`, service: `${HOST}:9090`, by: 'Service shop/search' },
    { cluster: 'outbound|443||mail.example.com', service: 'mail.example.com:443', by: 'ServiceEntry shop/mail' },
    { cluster: `outbound|80|v1|${HOST}`, service: `${HOST}:80`, backend: 'v1', by: 'DestinationRule shop/search' },
    { cluster: `outbound|9090|v1|${HOST}`, service: `${HOST}:9090`, backend: 'v1', by: 'DestinationRule shop/search' },
  ]);
});

test('a VirtualService of the mesh tells where calls of a host go instead; one of a gateway does not', () => {
  const to = (host: string) => ({ destination: { host } });
  const spec = {
    hosts: ['old'],
    http: [{ route: [to('old'), to('new.other.svc.cluster.local')], mirror: { host: 'shadow' } }],
  };
  const virtualServices = [
    { ...named('moved'), spec },
    { ...named('door'), spec: { ...spec, gateways: ['ingress'] } },
  ];
  const by = 'VirtualService shop/moved';
  assert.equal(configuredOf({ ...objects, virtualServices }).routed, [
    { host: 'old.shop.svc.cluster.local', to: 'new.other.svc.cluster.local', by },
    { host: 'old.shop.svc.cluster.local', to: 'shadow.shop.svc.cluster.local', by },
  ]);
});

test.run();

/** The smallest scenario with everything in it: two services, one steered, two zones, a fault and its healing. */
export const smallScenario = `name: small
seed: 3
durationS: 60
zones: [east, west]
wire: [{ between: [east, west], oneWayMs: 5 }]
nodes:
  - { name: node-east, zone: east }
  - { name: node-west, zone: west }
services:
  - name: front
    backends: [{ name: v1, zone: east, serviceTime: { kind: constant, meanMs: 2 } }]
    calls: [[{ service: stock }]]
  - name: stock
    route: { objective: { latencyMs: 40 } }
    backends:
      - { name: v1, zone: east, endpoints: 2, serviceTime: { meanMs: 5, p99Ms: 15 } }
      - { name: v2, zone: west, serviceTime: { meanMs: 5, p99Ms: 15 } }
load:
  - { zone: east, service: front, phases: [{ kind: constant, rps: 20 }] }
events:
  - { atS: 20, backend: stock/v2, change: { errorRatio: 0.9 } }
  - { atS: 40, backend: stock/v2, heal: true }
`;

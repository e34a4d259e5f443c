/** The controller's hub behind a real socket, for real agents: what they report is kept, tables are handed out by the test. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Hub } from '../../controller/hub/hub.ts';
import type { Report, ServiceTable } from '../../controller/wire/messages.ts';

const nothing = () => {};

export class HubDoor {
  readonly reports: Report[] = [];
  port = 0;
  private number = 0;
  private readonly epoch: number;
  private readonly server: Server = createServer();
  private readonly hub: Hub;

  private constructor(epoch: number) {
    this.epoch = epoch;
    this.hub = new Hub({
      maxAgents: 10,
      windowMs: 500,
      nowMs: () => performance.now(),
      log: { info: nothing, warn: nothing },
      metrics: {
        agentCount: nothing,
        report: nothing,
        staleReport: nothing,
        lostReports: nothing,
        badFrame: nothing,
        refused: nothing,
        acked: nothing,
      },
      epochAbove: () => this.epoch,
      onReport: (report) => this.reports.push(report),
    });
    this.server.on('upgrade', (request, socket, head) => this.hub.handleUpgrade(request, socket, head));
  }

  /** @param port 0: a free one; else that of a controller that is gone and comes back */
  static async open(epoch: number, port = 0): Promise<HubDoor> {
    const door = new HubDoor(epoch);
    door.server.listen(port, '127.0.0.1');
    await once(door.server, 'listening');
    door.port = (door.server.address() as AddressInfo).port;
    return door;
  }

  push(services: ServiceTable[], ttlMs = 60_000): void {
    this.number += 1;
    this.hub.push({ type: 'tables', epoch: this.epoch, number: this.number, ttlMs, services });
  }

  /** Whether every connected agent, and there is one, has stored the tables pushed last. */
  isStored(): boolean {
    const agents = this.hub.agents();
    return (
      agents.length > 0 &&
      agents.every(({ tableEpoch, tableNumber }) => tableEpoch === this.epoch && tableNumber === this.number)
    );
  }

  /** Calls that reports tell of on one cluster and arm, by outcome class. */
  outcomes(cluster: string, arm: 'stable' | 'trial' = 'stable', trialId = 0): number[] {
    const edges = this.reports
      .flatMap((report) => report.edges)
      .filter((edge) => edge.cluster === cluster && edge.arm === arm && edge.trialId === trialId);
    return [0, 1, 2, 3, 4, 5].map((i) => edges.reduce((sum, edge) => sum + (edge.outcomes[i] ?? 0), 0));
  }

  /** Every call that reports tell of. */
  calls(): number {
    const counts = this.reports.flatMap(({ edges }) => edges.flatMap(({ outcomes }) => outcomes));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async close(): Promise<void> {
    await this.hub.close();
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

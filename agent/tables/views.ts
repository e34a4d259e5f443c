/**
 * From the tables of the whole mesh to the view of one proxy: of each service the weights of its caller group (the proxy's
 * zone, else '*'), and of the services those that its workload calls. Views are encoded once and shared by all that see the
 * same, as most proxies of a workload do.
 */
import type { ServiceTable, Tables } from '../../controller/wire/messages.ts';
import { MAX_TABLE_BYTES, TABLE_HEADER_BYTES } from '../wire/layout.ts';
import { encodeView, faultOf, NO_VIEW, serviceBytes, type View } from '../wire/table.ts';
import type { Called } from './called.ts';

/** Who asks for a table. */
export interface Viewer {
  readonly workload: string;
  readonly namespace: string;
  readonly zone: string;
}

export interface Fault {
  readonly service: string;
  readonly group: string;
  /** End of a sentence that begins with the service. */
  readonly fault: string;
}

interface Offer {
  readonly table: ServiceTable;
  readonly bytes: number;
}

interface Service {
  readonly name: string;
  /** Place among the services, so that views with the same services are the same bytes. */
  readonly place: number;
  readonly byGroup: Map<string, Offer>;
}

const ANY_GROUP = '*';
const MAX_ENCODED = 2000;

/** What `Called` knows a workload by; '' when the proxy does not say who it is, and nothing is remembered of it. */
export function workloadKey(viewer: Viewer): string {
  return viewer.workload === '' ? '' : `${viewer.namespace}/${viewer.workload}`;
}

export class Views {
  /** Services left out of views for want of room in a message, since the tables came. */
  leftOutCount = 0;
  readonly #called: Called;
  readonly #maxBytes: number;
  #epoch = 0;
  #number = 0;
  #services = new Map<string, Service>();
  #servicesByCluster = new Map<string, string[]>();
  /** Encoded views by zone and services. */
  readonly #encoded = new Map<string, View>();

  constructor(called: Called, maxBytes = MAX_TABLE_BYTES) {
    this.#called = called;
    this.#maxBytes = maxBytes;
  }

  /** Puts other tables in force. Services that no filter could read are left out and returned; the rest count. */
  replace(tables: Tables): readonly Fault[] {
    const faults: Fault[] = [];
    this.#epoch = tables.epoch;
    this.#number = tables.number;
    this.#services = new Map();
    this.#servicesByCluster = new Map();
    this.#encoded.clear();
    this.leftOutCount = 0;
    for (const table of tables.services) {
      const fault = faultOf(table);
      if (fault) faults.push({ service: table.service, group: table.group, fault });
      else this.#add(table);
    }
    this.#called.relearn(this.servicesOf);
    return faults;
  }

  /** Services that calls at a cluster belong to. */
  readonly servicesOf = (cluster: string): readonly string[] => this.#servicesByCluster.get(cluster) ?? [];

  viewFor(viewer: Viewer): View {
    if (this.#number === 0) return NO_VIEW;
    const called = this.#called.servicesOf(workloadKey(viewer));
    const services = called ? this.#inOrder(called) : undefined;
    const content = `${viewer.zone}\n${services?.map((service) => service.name).join('\n') ?? ANY_GROUP}`;
    const known = this.#encoded.get(content);
    if (known) return known;
    const view = this.#encode(services ?? this.#services.values(), viewer.zone);
    if (this.#encoded.size >= MAX_ENCODED) this.#encoded.clear();
    this.#encoded.set(content, view);
    return view;
  }

  #inOrder(names: ReadonlySet<string>): Service[] {
    const services: Service[] = [];
    for (const name of names) {
      const service = this.#services.get(name);
      if (service) services.push(service);
    }
    return services.sort((a, b) => a.place - b.place);
  }

  #encode(services: Iterable<Service>, zone: string): View {
    const chosen: ServiceTable[] = [];
    let bytes = TABLE_HEADER_BYTES;
    for (const { byGroup } of services) {
      const offer = byGroup.get(zone) ?? byGroup.get(ANY_GROUP);
      if (!offer) continue;
      if (bytes + offer.bytes > this.#maxBytes) {
        this.leftOutCount += 1;
        continue;
      }
      bytes += offer.bytes;
      chosen.push(offer.table);
    }
    return encodeView(chosen, this.#epoch, this.#number);
  }

  #add(table: ServiceTable): void {
    const name = table.service;
    const service = this.#services.get(name) ?? { name, place: this.#services.size, byGroup: new Map() };
    this.#services.set(name, service);
    service.byGroup.set(table.group, { table, bytes: serviceBytes(table) });
    for (const cluster of [...table.backends.map((backend) => backend.cluster), ...table.entryClusters]) {
      const services = this.#servicesByCluster.get(cluster);
      if (!services) this.#servicesByCluster.set(cluster, [name]);
      else if (!services.includes(name)) services.push(name);
    }
  }
}

/** One VM's life, once per worker: configuration, then ticks. What a configuration sets up is done here, in order. */
import * as config from './config';
import { Bytes } from './host/bytes';
import { chance, PLUGIN_CONFIGURATION, readBuffer, setTickPeriod, value } from './host/calls';
import { steadyNowNs } from './host/clock';
import { addName, begin, info, warn } from './host/log';
import { limitValues } from './host/memory';
import { identify } from './identity';
import { configureClusters, isCrowded, prepareClusters, reclaimClusters } from './measure/clusters';
import { prepareCalls } from './measure/open-calls';
import { learnUsual } from './measure/usual';
import { onAnswer as reportAnswer, startReports, onTick as tickReports } from './report';
import { seed } from './route/random';
import { heldGeneration, limitTable } from './route/table';

/** Fine enough for the shortest back-off; Envoy spends about 0.02 % of a core on it per worker. */
const TICK_MS: u32 = 100;
const RECLAIM_NS: u64 = 60000000000;
const VALUE_SLACK_BYTES: u32 = 4096;
/** An odd constant that spreads bits: 2^64 / golden ratio. */
const SPREAD: u64 = 0x9e3779b97f4a7c15;

/** The root context in force. A new configuration comes as a new one; the old one's ticks and answers count no more. */
let rootContext: u32 = 0;
let vmId: u64 = 0;
let lastReclaimNs: u64 = 0;

export function onConfigure(contextId: u32, configurationBytes: u32): void {
  if (configurationBytes == 0) config.configure(0, 0);
  else if (readBuffer(PLUGIN_CONFIGURATION, configurationBytes)) config.configure(value.at, value.length);
  else config.refuse(configurationBytes);
  if (vmId == 0) {
    // 0 would read as no id yet.
    vmId = max<u64>(chance() * SPREAD, 1);
    seed(vmId);
  }
  limitValues(config.maxTableBytes.value + VALUE_SLACK_BYTES);
  limitTable(config.maxTableBytes.value);
  const authority: Bytes =
    config.agentAuthority.value.length > 0 ? config.agentAuthority.value : config.agentCluster.value;
  identify(vmId, authority, config.workload.value, config.namespace.value, config.zone.value);
  if (!configureClusters(config.maxClusters.value)) {
    begin('no memory for max_clusters; requests go by the plain routes, unmeasured');
    warn();
  }
  prepareCalls();
  takeOver(contextId);
  setTickPeriod(TICK_MS);
  begin(config.errorCount == 0 ? 'configured; agent cluster ' : 'configured with errors; agent cluster ');
  addName(config.agentCluster.value);
  info();
}

export function onTick(contextId: u32): void {
  if (rootContext == 0) takeOver(contextId);
  if (contextId != rootContext) return;
  const now = steadyNowNs();
  prepareCalls();
  const isAging = now - lastReclaimNs > RECLAIM_NS;
  if (isAging) lastReclaimNs = now;
  if (isAging || isCrowded()) reclaimClusters(heldGeneration, isAging);
  prepareClusters(0);
  learnUsual();
  tickReports(now);
}

export function onAnswer(contextId: u32, token: u32, bodyBytes: u32): void {
  if (contextId == rootContext) reportAnswer(token, bodyBytes);
}

/** When the configuration in force goes and an older one stays, its next tick takes over. */
export function onDelete(contextId: u32): void {
  if (contextId == rootContext) rootContext = 0;
}

function takeOver(contextId: u32): void {
  rootContext = contextId;
  startReports(vmId, steadyNowNs());
}

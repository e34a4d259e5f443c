/**
 * A window's report, cut into as many as the wire's limits ask for. Frames above MAX_FRAME_BYTES end the connection, so a
 * report that is too long would be sent, refused and sent again for ever. The parts share their window, each edge, forecast
 * and proxy is in one of them, and each has its own sequence.
 */
import {
  type Caller,
  type EdgeReport,
  type ForecastReport,
  MAX_FRAME_BYTES,
  type ProxyReport,
  type Report,
} from '../../controller/wire/messages.ts';
import type { Waiting } from './outbox.ts';

/** What controller/wire/messages.ts allows in one frame. */
export interface FrameLimits {
  readonly bytes: number;
  readonly edges: number;
  readonly forecasts: number;
  readonly proxies: number;
}

const wireLimits: FrameLimits = { bytes: MAX_FRAME_BYTES, edges: 20_000, forecasts: 20_000, proxies: 5_000 };

/** Everything of a report but its three lists, with room to spare. */
const FRAME_BYTES = 256;
/** Keys, heads and numbers of an item, with every number at its widest; counted by hand and checked by a test. */
const EDGE_BYTES = 272;
const FORECAST_BYTES = 144;
const PROXY_BYTES = 320;
const NUMBER_BYTES = 9;
/** Values and counts of a histogram fit into 32 bits. */
const LATENCY_BYTES = 5;

type Item =
  | { readonly kind: 'edges'; readonly item: EdgeReport }
  | { readonly kind: 'forecasts'; readonly item: ForecastReport }
  | { readonly kind: 'proxies'; readonly item: ProxyReport };

/** @param nextSequence called once for each part, in order */
export function splitReport(
  whole: Omit<Report, 'sequence'>,
  nextSequence: () => number,
  limits: FrameLimits = wireLimits,
): Waiting[] {
  const parts: Waiting[] = [];
  let part = emptyPart();
  let bytes = FRAME_BYTES;
  const close = () => {
    parts.push({ report: { ...whole, ...part, sequence: nextSequence() }, bytes });
    part = emptyPart();
    bytes = FRAME_BYTES;
  };
  for (const each of itemsOf(whole)) {
    const itemBytes = bytesOf(each);
    if (bytes + itemBytes > limits.bytes || part[each.kind].length >= limits[each.kind]) close();
    add(part, each);
    bytes += itemBytes;
  }
  close();
  return parts;
}

function emptyPart(): { edges: EdgeReport[]; forecasts: ForecastReport[]; proxies: ProxyReport[] } {
  return { edges: [], forecasts: [], proxies: [] };
}

/** Proxies and edges first: forecasts can wait for the part after. */
function* itemsOf(report: Omit<Report, 'sequence'>): Iterable<Item> {
  for (const item of report.proxies) yield { kind: 'proxies', item };
  for (const item of report.edges) yield { kind: 'edges', item };
  for (const item of report.forecasts) yield { kind: 'forecasts', item };
}

function add(part: ReturnType<typeof emptyPart>, each: Item): void {
  if (each.kind === 'edges') part.edges.push(each.item);
  else if (each.kind === 'forecasts') part.forecasts.push(each.item);
  else part.proxies.push(each.item);
}

/** An upper bound of an item's bytes in MessagePack. */
function bytesOf({ kind, item }: Item): number {
  const caller = callerBytes(item.caller);
  if (kind === 'edges') return EDGE_BYTES + caller + textBytes(item.cluster) + item.latency.length * LATENCY_BYTES;
  if (kind === 'proxies') return PROXY_BYTES + caller + textBytes(item.nodeId);
  return (
    FORECAST_BYTES + caller + textBytes(item.cluster) + textBytes(item.forecaster) + item.loadRps.length * NUMBER_BYTES
  );
}

function callerBytes({ workload, namespace, zone, node }: Caller): number {
  return textBytes(workload) + textBytes(namespace) + textBytes(zone) + textBytes(node);
}

/** UTF-8 needs three bytes for a UTF-16 unit at most; the head of a string up to three. Faster than counting them. */
function textBytes(text: string): number {
  return text.length * 3 + 3;
}

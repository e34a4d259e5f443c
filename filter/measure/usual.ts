/**
 * What is usual of a cluster as this VM sees it: requests in flight, and the latency of what was answered. Both are means that
 * forget slowly, taken on ticks. A cluster with far more in flight than usual is in a crowd that the table in force does not
 * know of yet.
 */
import { Cluster, firstCluster } from './clusters';

/** Part of a request in flight that the means are kept in. */
const SCALE: u64 = 1024;
/** Ticks that a mean reaches back over: 51 s in flight, so that a crowd does not become usual before the controller can see it. */
const FLIGHT_TICKS: u32 = 512;
/** and 6 s or more of ticks with answers. */
const LATENCY_TICKS: u32 = 64;
const MOST_IN_FLIGHT: u64 = 1 << 20;
/** A crowd is more than so many times the usual, and so many requests more: of few in flight twice as many are nothing unusual. */
const CROWD_TIMES: u64 = 2;
const CROWD_MORE: u64 = 3;

/** A call was answered, and not with a failure. */
export function noteLatency(cluster: Cluster, latencyUs: u64): void {
  cluster.answered++;
  cluster.answeredUs += min<u64>(latencyUs, u32.MAX_VALUE);
}

/** The table changes: a backend that is to have three times the calls will have about three times as many in flight. */
export function foresee(cluster: Cluster, share: u32): void {
  if (cluster.share > 0) {
    const scaled = (<u64>cluster.usualInFlight * share) / cluster.share;
    cluster.usualInFlight = <u32>min<u64>(scaled, MOST_IN_FLIGHT * SCALE);
  } else cluster.flightTicks = 0;
  cluster.share = share;
}

/** One tick of every cluster. */
export function learnUsual(): void {
  let cluster = firstCluster;
  while (cluster != null) {
    learn(cluster);
    cluster = cluster.next;
  }
}

/** Whether far more are in flight than usual. */
export function isCrowd(cluster: Cluster): bool {
  return <u64>cluster.inFlight * SCALE > CROWD_TIMES * cluster.usualInFlight + CROWD_MORE * SCALE;
}

/** How long one more call would take, were those in flight served one after the other, µs; 0: no call was answered yet. */
export function waitUs(cluster: Cluster): u64 {
  return (<u64>cluster.inFlight + 1) * cluster.usualUs;
}

function learn(cluster: Cluster): void {
  const inFlight = min<u64>(cluster.inFlight, MOST_IN_FLIGHT) * SCALE;
  cluster.flightTicks = min(cluster.flightTicks + 1, FLIGHT_TICKS);
  cluster.usualInFlight = nearer(cluster.usualInFlight, inFlight, cluster.flightTicks);
  if (cluster.answered == 0) return;
  cluster.latencyTicks = min(cluster.latencyTicks + 1, LATENCY_TICKS);
  // No call is so fast that it took no time: 0 is for not known.
  cluster.usualUs = max(1, nearer(cluster.usualUs, cluster.answeredUs / cluster.answered, cluster.latencyTicks));
  cluster.answered = 0;
  cluster.answeredUs = 0;
}

function nearer(mean: u32, to: u64, ticks: u32): u32 {
  return <u32>(<i64>mean + (<i64>to - <i64>mean) / <i64>ticks);
}

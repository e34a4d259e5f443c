/**
 * Samples out, tables in. Two calls to the agent at most are under way: one that delivers samples, one that is held until
 * there is a new table.
 *
 * A message is kept until the agent has taken it and is sent again as it was, same sequence, so that it counts once whatever
 * got lost; meanwhile calls add up in their samples. What is older than MAX_AGE_NS when it could be sent is worth nothing to a
 * decision and is thrown away and counted.
 *
 * With the agent down, Envoy's own answer comes at once, inside the same instant. So the next try is always a tick's business,
 * after a back-off, never the answer's.
 */
import * as layout from '../agent/wire/layout';
import * as config from './config';
import { ascii } from './host/bytes';
import { CALL_RESPONSE_BODY, CALL_RESPONSE_HEADERS, httpCall, readBuffer, readNumberHeader, value } from './host/calls';
import { steadyNowNs } from './host/clock';
import { add, addNumber, begin, info, warn } from './host/log';
import { askWith, samplesHeaders, tableHeaders } from './identity';
import { addCounters, clearCounters, counters, hasCounts } from './measure/counters';
import { clearSamples, edgeCount, hasNews, isComplete, message, messageLength, writeEdges } from './measure/message';
import { below } from './route/random';
import * as table from './route/table';

const MS: u64 = 1000000;
const SAMPLES_TIMEOUT_MS: u32 = 2000;
/** Longer than the agent holds a request, so that the agent is the one to end it. */
const TABLE_TIMEOUT_MS: u32 = layout.HOLD_MS + 5000;
const FIRST_BACK_OFF_MS: u32 = 250;
const LONGEST_BACK_OFF_MS: u32 = 5000;
/** An answer that comes sooner is followed by the next question on a tick only, lest an agent that never holds make a storm. */
const SHORTEST_HOLD_NS: u64 = 50 * MS;
const LONG_HOLD_NS: u64 = 5000 * MS;
const MAX_AGE_NS: u64 = 60000 * MS;
/** Ticks after which the host will not tell of a call any more, though it should have: its time-out and 10 s, at least. */
const SAMPLES_TICKS: u32 = (SAMPLES_TIMEOUT_MS + 10000) / 100;
const TABLE_TICKS: u32 = (TABLE_TIMEOUT_MS + 10000) / 100;
const NONE: i64 = -1;

const statusHeader = ascii(':status');

let vmId: u64 = 0;
let sequence: u32 = 0;

/** Whether `message` waits to be taken. */
let isPending: bool = false;
let messageMadeNs: u64 = 0;
let samplesToken: i64 = NONE;
let samplesBackOffMs: u32 = 0;
let samplesNextNs: u64 = 0;
/** Ticks since the call was made. Not time: a clock that is set on must not make an answer seem lost. */
let samplesTicks: u32 = 0;

let tableToken: i64 = NONE;
let tableBackOffMs: u32 = 0;
let tableNextNs: u64 = 0;
let tableAskedNs: u64 = 0;
let tableTicks: u32 = 0;
/** Whether the last answer was no table, as far as the log knows. */
let isAgentMissed: bool = false;

/** Begins anew after a configuration: calls of the configuration before never come back. */
export function startReports(id: u64, now: u64): void {
  vmId = id;
  samplesToken = NONE;
  tableToken = NONE;
  samplesBackOffMs = 0;
  tableBackOffMs = 0;
  tableNextNs = 0;
  samplesNextNs = 0;
  if (messageMadeNs == 0) messageMadeNs = now;
}

export function onTick(now: u64): void {
  if (table.expireTable(now)) {
    begin(
      'the weights are too old, since the agent was not heard of; requests go by the plain routes until it is back',
    );
    warn();
  }
  // An answer that got lost in the host must not silence the VM for good.
  if (samplesToken != NONE && ++samplesTicks > SAMPLES_TICKS) samplesToken = NONE;
  if (tableToken != NONE && ++tableTicks > TABLE_TICKS) tableToken = NONE;
  if (tableToken == NONE && now >= tableNextNs) askForTable(now);
  if (samplesToken == NONE && now >= samplesNextNs) sendSamples(now);
}

export function onAnswer(token: u32, bodyBytes: u32): void {
  const now = steadyNowNs();
  const status = readNumberHeader(CALL_RESPONSE_HEADERS, statusHeader);
  if (<i64>token == samplesToken) {
    samplesToken = NONE;
    if (status != 204) delaySamples(now);
    else takenSamples();
  } else if (<i64>token == tableToken) {
    tableToken = NONE;
    if (status != 200) missTable(now, status);
    else takeTable(now, bodyBytes);
  }
}

// Tables.

function askForTable(now: u64): void {
  askWith(table.viewInForce());
  tableAskedNs = now;
  tableTicks = 0;
  tableToken = httpCall(config.agentCluster.value, tableHeaders, 0, 0, TABLE_TIMEOUT_MS);
  if (tableToken == NONE) missTable(now, -1);
}

function takeTable(now: u64, bodyBytes: u32): void {
  const hadView = table.viewInForce();
  const isTaken =
    bodyBytes <= config.maxTableBytes.value &&
    readBuffer(CALL_RESPONSE_BODY, bodyBytes) &&
    table.acceptTable(value.at, value.length, now);
  if (!isTaken) {
    counters.rejectedTables++;
    begin('refused a table message of ');
    addNumber(bodyBytes);
    add(' bytes from the agent: malformed, or over max_table_bytes; the weights before it stay');
    warn();
    delayTable(now);
    return;
  }
  if (isAgentMissed) {
    isAgentMissed = false;
    begin('the agent answers again');
    info();
  }
  tableBackOffMs = 0;
  if (table.viewInForce() != hadView) changeView(hadView);
  tableNextNs = 0;
  if (now - tableAskedNs >= SHORTEST_HOLD_NS) askForTable(now);
}

function changeView(hadView: u64): void {
  // Calls drawn by the table before are told of now, so that a message seldom mixes two.
  if (samplesBackOffMs == 0) samplesNextNs = 0;
  if (hadView == 0) {
    begin('steering by weights of epoch ');
    addNumber(table.epochInForce());
    add(', table ');
    addNumber(table.numberInForce());
    info();
  } else if (table.viewInForce() == 0) {
    begin('the agent has no weights in force; requests go by the plain routes');
    info();
  }
  if (table.missedClusters == 0) return;
  begin('the table names ');
  addNumber(table.missedClusters);
  add(' clusters more than max_clusters leaves room for; calls to them are not measured and may not be steered');
  warn();
}

/** @param status of the answer in its place; -1: there was none */
function missTable(now: u64, status: i32): void {
  if (!isAgentMissed) {
    isAgentMissed = true;
    begin('the agent does not answer with a table (');
    if (status > 0) {
      add('status ');
      addNumber(<u64>status);
    } else add('no answer');
    add('); asking again after a pause, the weights in force stay until they are too old');
    warn();
  }
  // One that held the request is there and has no table to tell of: it is asked again soon.
  if (now - tableAskedNs >= LONG_HOLD_NS) tableBackOffMs = 0;
  delayTable(now);
}

function delayTable(now: u64): void {
  tableBackOffMs = nextBackOff(tableBackOffMs);
  tableNextNs = now + withJitter(tableBackOffMs);
}

// Samples.

function sendSamples(now: u64): void {
  if (isPending && now - messageMadeNs > MAX_AGE_NS) throwAway(now);
  if (!isPending && !makeMessage(now)) return;
  samplesTicks = 0;
  samplesToken = httpCall(config.agentCluster.value, samplesHeaders, message, messageLength, SAMPLES_TIMEOUT_MS);
  if (samplesToken == NONE) delaySamples(now);
}

function takenSamples(): void {
  isPending = false;
  samplesBackOffMs = 0;
  samplesNextNs = isComplete ? messageMadeNs + <u64>config.sampleIntervalMs.value * MS : 0;
}

function delaySamples(now: u64): void {
  samplesBackOffMs = nextBackOff(samplesBackOffMs);
  samplesNextNs = now + withJitter(samplesBackOffMs);
}

/** False when there is nothing to say yet. */
function makeMessage(now: u64): bool {
  const intervalNs = now - messageMadeNs;
  const isDue = sequence == 0 || hasNews() || hasCounts() || intervalNs >= <u64>config.idleIntervalMs.value * MS;
  if (!isDue || !writeEdges()) return false;
  sequence++;
  writeHeader(<u32>min<u64>(intervalNs / MS, u32.MAX_VALUE));
  clearCounters();
  isPending = true;
  messageMadeNs = now;
  return true;
}

function throwAway(now: u64): void {
  isPending = false;
  // What was measured is worth nothing now; what was dropped, refused or lost stays worth knowing.
  addCounters(message + layout.SAMPLES_DROPPED_CALLS_AT);
  counters.lostSamples++;
  // Calls since then have added up to what would have been messages of their own.
  if (clearSamples()) counters.lostSamples++;
  messageMadeNs = now;
}

function writeHeader(intervalMs: u32): void {
  const at = message;
  store<u32>(at + layout.SAMPLES_MAGIC_AT, layout.SAMPLES_MAGIC);
  store<u16>(at + layout.SAMPLES_VERSION_AT, layout.PROTOCOL_VERSION);
  store<u16>(at + layout.SAMPLES_EDGE_COUNT_AT, edgeCount);
  store<u64>(at + layout.SAMPLES_VM_ID_AT, vmId);
  store<u32>(at + layout.SAMPLES_SEQUENCE_AT, sequence);
  store<u32>(at + layout.SAMPLES_INTERVAL_MS_AT, intervalMs);
  store<u64>(at + layout.SAMPLES_VIEW_ID_AT, table.viewInForce());
  store<u32>(at + layout.SAMPLES_TABLE_EPOCH_AT, table.epochInForce());
  store<u32>(at + layout.SAMPLES_TABLE_NUMBER_AT, table.numberInForce());
  store<u32>(at + layout.SAMPLES_DROPPED_CALLS_AT, counters.droppedCalls);
  store<u32>(at + layout.SAMPLES_LOST_SAMPLES_AT, counters.lostSamples);
  store<u32>(at + layout.SAMPLES_STRIPPED_HEADERS_AT, counters.strippedHeaders);
  store<u32>(at + layout.SAMPLES_STEERED_CALLS_AT, counters.steeredCalls);
  store<u32>(at + layout.SAMPLES_REJECTED_TABLES_AT, counters.rejectedTables);
  store<u32>(at + layout.SAMPLES_CONFIG_ERRORS_AT, config.errorCount);
}

function nextBackOff(ms: u32): u32 {
  return ms == 0 ? FIRST_BACK_OFF_MS : min<u32>(ms * 2, LONGEST_BACK_OFF_MS);
}

/** Between half of it and all of it, so that proxies that lost the same agent do not come back as one. */
function withJitter(ms: u32): u64 {
  return <u64>(ms / 2 + below(ms / 2 + 1)) * MS;
}

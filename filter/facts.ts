/**
 * What only the end of a call tells: its cluster, the host's flags, its attempts. All come in one go where the host evaluates
 * CEL (Envoy's foreign functions `expr_create` and `expr_evaluate`); where it does not, or this time fails to, by three reads.
 *
 * Envoy keeps expressions with the root context and drops them with it, so none is deleted here. It counts tokens anew in each
 * root context; since this one expression is all that any of this VM makes, a token that is found at all stands for it, also for a
 * request that began under the configuration before.
 *
 * Envoy copies a result to where `proxy_on_memory_allocate` says without asking whether that is nowhere, which would end the
 * process. So the expression yields no name of 256 characters or more, and what it yields always fits into the arena.
 */
import { ascii, Bytes } from './host/bytes';
import { callForeign, readNumber, readProperty, value } from './host/calls';

export const clusterName = ascii('xds\0cluster_name');
const responseFlags = ascii('response\0flags');
const attemptCount = ascii('upstream\0request_attempt_count');

const exprCreate = ascii('expr_create');
const exprEvaluate = ascii('expr_evaluate');
const expression = ascii(
  'size(xds.cluster_name) < 256 ? [xds.cluster_name, response.flags, upstream.request_attempt_count] : []',
);
const TOKEN_BYTES: u32 = 4;
/** An expression that failed so often in a row is left alone until the next tick, since trying costs as much as a read. */
const MOST_FAILURES: u32 = 16;

// A list as Envoy writes it:  u32 count  { u32 size  u32 0 } × count  { item  0  0 } × count;  whole numbers have 8 bytes.
const ITEMS: u32 = 3;
const NAME_SIZE_AT: usize = 4;
const NAME_AT: usize = 28;
/** All but the name. */
const FRAME_BYTES: u32 = 28 + 2 + 10 + 10;

/** Envoy's flags of the last call read; 0 where it does not say. */
export let flags: u64 = 0;
/** Attempts of the last call read; 1 where the host does not say. */
export let attempts: u64 = 1;
/** Name of the cluster of the last call read, empty where the host does not say; valid until the next read of anything. */
export const cluster = changetype<Bytes>(heap.alloc(offsetof<Bytes>()));

const token = changetype<Bytes>(heap.alloc(offsetof<Bytes>()));
token.at = heap.alloc(TOKEN_BYTES);
token.length = TOKEN_BYTES;
let preparedFor: u32 = 0;
let hasExpression: bool = false;
let failuresInRow: u32 = 0;

/** Makes the expression for a root context, in a callback of that context. Returns whether there is one. */
export function prepare(rootContext: u32): bool {
  failuresInRow = 0;
  if (rootContext == preparedFor) return hasExpression;
  preparedFor = rootContext;
  hasExpression = callForeign(exprCreate, expression) && value.length == TOKEN_BYTES;
  if (hasExpression) store<u32>(token.at, load<u32>(value.at));
  return hasExpression;
}

/** Gives an expression that failed another chance. */
export function retry(): void {
  failuresInRow = 0;
}

export function read(): void {
  if (hasExpression && failuresInRow < MOST_FAILURES) {
    if (callForeign(exprEvaluate, token) && takeList()) {
      failuresInRow = 0;
      return;
    }
    failuresInRow++;
  }
  attempts = readNumber(attemptCount, 1);
  flags = readNumber(responseFlags, 0);
  cluster.length = readProperty(clusterName) ? value.length : 0;
  cluster.at = value.at;
}

/** Takes the facts from the bytes of a list; false, and nothing is taken, unless they are laid out as they have to be. */
function takeList(): bool {
  const at = value.at;
  if (value.length < FRAME_BYTES || load<u32>(at) != ITEMS) return false;
  const nameBytes = load<u32>(at + NAME_SIZE_AT);
  if (nameBytes != value.length - FRAME_BYTES) return false;
  if (load<u32>(at + 8) != 0 || load<u64>(at + 12) != 8 || load<u64>(at + 20) != 8) return false;
  const flagsAt = at + NAME_AT + nameBytes + 2;
  cluster.at = at + NAME_AT;
  cluster.length = nameBytes;
  flags = load<u64>(flagsAt);
  attempts = load<u64>(flagsAt + 10);
  return true;
}

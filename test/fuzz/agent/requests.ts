/**
 * What a filter, or whoever reached its port, may send to an agent: bytes for a connection, and what must come of them. Each
 * says how many answers it gets, so that what the agent counted can be compared.
 */
import { MAX_SAMPLES_BYTES } from '../../../agent/wire/layout.ts';
import { decodeSamples, type EdgeSample, encodeSamples } from '../../../agent/wire/samples.ts';
import { edgeOf, samplesOf } from '../../agent/sketch.ts';
import type { Chance } from '../chance.ts';

export interface Request {
  readonly bytes: Uint8Array;
  /** Statuses that are right, in any case one for each answer; empty: none comes while the connection stands. */
  readonly statuses: readonly (readonly number[])[];
  /** Whether the sender stops here: nothing follows though more was promised. */
  readonly isCut: boolean;
}

const VMS = 200;
const HEADER_LIMIT_BYTES = 8_192;

export class Requests {
  private readonly chance: Chance;
  private readonly sequences = new Map<string, number>();
  private readonly makers: readonly [() => Request, ...(() => Request)[]];

  constructor(chance: Chance) {
    this.chance = chance;
    const often = (maker: () => Request, times: number) => new Array<() => Request>(times).fill(maker);
    this.makers = [
      () => this.taken(),
      ...often(() => this.taken(), 19),
      ...often(() => this.mutated(), 40),
      ...often(() => this.wrongHead(), 6),
      ...often(() => this.tooShort(), 6),
      ...often(() => this.badView(), 8),
      ...often(() => this.unknownDoor(), 5),
      ...often(() => this.notHttp(), 6),
      ...often(() => this.cutBody(), 4),
      ...often(() => this.cutHead(), 2),
      ...often(() => this.largeHead(), 1),
      ...often(() => this.tooLong(), 2),
      ...often(() => this.pipelinedGarbage(), 3),
    ];
  }

  next(): Request {
    if (this.chance.is(0.0005)) return this.muchTooLong();
    return this.chance.of(this.makers)();
  }

  /** A message that is right: new, or one that was here before. */
  private taken(): Request {
    return post(this.message(this.chance.is(0.3)), [204]);
  }

  /** Right but for some bytes: the codec, which the agent shares with this test, says whether it may be taken. */
  private mutated(): Request {
    const bytes = this.chance.mutated(this.message(false));
    return post(bytes, [isRight(bytes) ? 204 : 400]);
  }

  private wrongHead(): Request {
    const bytes = this.message(false);
    bytes.writeUInt16LE(this.chance.of([0, 2, 0xffff]), 4);
    if (this.chance.is(0.5)) bytes.writeUInt32LE(this.chance.u32(), 0);
    return post(bytes, [isRight(bytes) ? 204 : 400]);
  }

  private tooShort(): Request {
    const bytes = this.message(false);
    return post(bytes.subarray(0, this.chance.below(bytes.length)), [400]);
  }

  private badView(): Request {
    const { chance } = this;
    const have = chance.of([
      '',
      '0',
      'x'.repeat(16),
      '0'.repeat(17),
      '0'.repeat(3_000),
      '%00',
      '%',
      '0'.repeat(15),
      '&have=1',
    ]);
    return get(`/v1/table?have=${have}`, [400]);
  }

  private unknownDoor(): Request {
    const path = this.chance.of([
      '/',
      '/v1/samples',
      '/v1/tables',
      '/%2e%2e/etc',
      `/${'a'.repeat(4_000)}`,
      '/healthz/x',
    ]);
    return get(path, [404]);
  }

  /** Node's parser refuses it at its first line. */
  private notHttp(): Request {
    const start = this.chance.of([
      '\0',
      '\x16\x03\x01\x02\0',
      'PRI * HTTP/2.0\r\n\r\nSM',
      'GET / HTTP/9.9\r\n\r\n',
      'ÿ',
    ]);
    return {
      bytes: Buffer.concat([Buffer.from(start, 'latin1'), this.chance.bytes(64)]),
      statuses: [[400]],
      isCut: true,
    };
  }

  /** The head promises more than comes. */
  private cutBody(): Request {
    const message = this.message(false);
    const whole = post(message, [400]).bytes;
    const sent = whole.length - 1 - this.chance.below(message.length);
    return { bytes: whole.subarray(0, sent), statuses: [[400]], isCut: true };
  }

  private cutHead(): Request {
    const { bytes } = get('/v1/table?have=0000000000000000', [400]);
    return { bytes: bytes.subarray(0, 1 + this.chance.below(bytes.length - 4)), statuses: [[400]], isCut: true };
  }

  private largeHead(): Request {
    const more = `x-long: ${'l'.repeat(HEADER_LIMIT_BYTES + this.chance.below(60_000))}\r\n`;
    return { ...get('/healthz', [431], more), isCut: true };
  }

  /** Says at its head that it is too long. */
  private tooLong(): Request {
    const length = this.chance.of([MAX_SAMPLES_BYTES + 1, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER]);
    return {
      bytes: Buffer.from(`POST /v1/samples HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\nWSMP`),
      statuses: [[413]],
      isCut: true,
    };
  }

  /** Does not say how long it is, and does not end. */
  private muchTooLong(): Request {
    const head = 'POST /v1/samples HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 'x'), Buffer.from('\r\n')]);
    return {
      bytes: Buffer.concat([Buffer.from(head), ...new Array<Buffer>(17).fill(chunk)]),
      statuses: [[413]],
      isCut: true,
    };
  }

  /** Node's parser ends the connection at the garbage, maybe before the first, which is taken, got its answer. */
  private pipelinedGarbage(): Request {
    const first = this.taken();
    const garbage = Buffer.concat([Buffer.from('\x01garbage'), this.chance.bytes(32)]);
    return { bytes: Buffer.concat([first.bytes, garbage]), statuses: [[204, 400], [400]], isCut: true };
  }

  /** @param isReplayed whether the VM's sequence has been here before */
  private message(isReplayed: boolean): Buffer {
    const { chance } = this;
    const vmId = (0xa0 + chance.below(VMS)).toString(16).padStart(16, '0');
    const sequence = Math.max(1, (this.sequences.get(vmId) ?? 0) + (isReplayed ? 0 : 1));
    this.sequences.set(vmId, sequence);
    const edges = Array.from({ length: chance.below(6) }, () => this.edge());
    return encodeSamples(samplesOf(edges, { vmId, sequence, steeredCalls: chance.below(9) }));
  }

  private edge(): EdgeSample {
    const { chance } = this;
    const from = chance.below(300);
    const buckets = Array.from({ length: chance.below(8) }, (_, i) => [from + i, 1 + chance.below(9)]).flat();
    const cluster = `shop-${chance.below(50)}`;
    return edgeOf({
      cluster,
      arm: chance.of(['stable', 'trial']),
      trialId: chance.below(3),
      inFlight: chance.below(4),
      buckets,
    });
  }
}

function isRight(bytes: Uint8Array): boolean {
  try {
    decodeSamples(bytes);
    return true;
  } catch {
    return false;
  }
}

function post(body: Uint8Array, statuses: readonly number[]): Request {
  const head = `POST /v1/samples HTTP/1.1\r\nhost: a\r\nx-weir-vm: 00000000000000a1\r\ncontent-length: ${body.length}\r\n\r\n`;
  return { bytes: Buffer.concat([Buffer.from(head), body]), statuses: [statuses], isCut: false };
}

function get(path: string, statuses: readonly number[], more = ''): Request {
  return { bytes: Buffer.from(`GET ${path} HTTP/1.1\r\nhost: a\r\n${more}\r\n`), statuses: [statuses], isCut: false };
}

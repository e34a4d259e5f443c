/** Log lines put together in one fixed buffer. What does not fit is cut; logging never fails and never allocates. */
import { proxy_log } from '@gcoredev/proxy-wasm-sdk-as/assembly/imports';
import { Bytes } from './bytes';

const INFO: u32 = 2;
const WARN: u32 = 3;
const LINE_BYTES: u32 = 512;

const line: usize = heap.alloc(LINE_BYTES);
let length: u32 = 0;

export function begin(text: string): void {
  length = 0;
  add('weir: ');
  add(text);
}

export function add(text: string): void {
  for (let i = 0; i < text.length; i++) addByte(<u8>text.charCodeAt(i));
}

/** Bytes of somebody else: what is not visible ASCII becomes '?'. */
export function addBytes(at: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = load<u8>(at + i);
    addByte(byte >= 32 && byte < 127 ? byte : 63);
  }
}

export function addName(name: Bytes): void {
  addBytes(name.at, name.length);
}

export function addNumber(number: u64): void {
  if (number >= 10) addNumber(number / 10);
  addByte(48 + <u8>(number % 10));
}

export function info(): void {
  proxy_log(INFO, line, length);
}

export function warn(): void {
  proxy_log(WARN, line, length);
}

function addByte(byte: u8): void {
  if (length < LINE_BYTES) store<u8>(line + length++, byte);
}

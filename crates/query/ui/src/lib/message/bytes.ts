// Byte classes and small readers of the template rule: the twin of crates/types/src/template/bytes.rs. Indexes that are not found
// are NONE.

export const NONE = -1;
export const DIGIT = 1;
export const ALPHA = 2;
export const HEX = 4;
/** Letters, digits and `_`. */
export const WORD = 8;
/** Space, every other ASCII control character, and DEL. */
export const SPACE = 16;
/** Bytes outside words at which the scanner has something to decide. */
export const STOP = 32;

const CLASS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  const character = String.fromCharCode(byte);
  let classes = 0;
  if (/[0-9]/.test(character)) classes |= DIGIT;
  if (/[A-Za-z]/.test(character)) classes |= ALPHA;
  if (/[0-9A-Fa-f]/.test(character)) classes |= HEX;
  if (/[0-9A-Za-z_]/.test(character)) classes |= WORD;
  if (byte <= 0x20 || byte === 0x7f) classes |= SPACE;
  if (classes !== 0 || '/<:@.~%'.includes(character)) classes |= STOP;
  CLASS[byte] = classes;
}

export type Bytes = Uint8Array;

export function classOf(byte: number): number {
  return CLASS[byte] ?? 0;
}

/** The byte at `index`, or 0 past the end. */
export function at(bytes: Bytes, index: number): number {
  return bytes[index] ?? 0;
}

/** Whether the byte at `index` has one of the classes; false past the end. */
export function is(bytes: Bytes, index: number, classes: number): boolean {
  const byte = bytes[index];
  return byte !== undefined && (CLASS[byte]! & classes) !== 0;
}

/** The code of an ASCII character. */
export function code(character: string): number {
  return character.charCodeAt(0);
}

/** Whether the byte is one of the ASCII characters; 0 is none. */
export function oneOf(byte: number, characters: string): boolean {
  return byte !== 0 && byte < 0x80 && characters.includes(String.fromCharCode(byte));
}

/** The end of the run of bytes of the given classes that starts at `from`. */
export function run(bytes: Bytes, from: number, classes: number): number {
  let end = from;
  while (end < bytes.length && (CLASS[bytes[end]!]! & classes) !== 0) end += 1;
  return end;
}

/** The end of the run of bytes that are not white space, or of its first 128 bytes. */
export function tokenEnd(bytes: Bytes, from: number): number {
  let end = from;
  while (end < bytes.length && end - from < 128 && !is(bytes, end, SPACE)) end += 1;
  return end;
}

/** The end of the run of digits at `from`, if it has between `least` and `most` of them. */
export function digits(bytes: Bytes, from: number, least: number, most: number): number {
  let end = from;
  while (end < bytes.length && end - from <= most && is(bytes, end, DIGIT)) end += 1;
  return end - from >= least && end - from <= most ? end : NONE;
}

/** The end of the white space at `from`; a terminal escape such as colour counts as white space. */
export function spaceEnd(bytes: Bytes, from: number): number {
  let end = from;
  while (is(bytes, end, SPACE)) {
    end = bytes[end] === 0x1b && at(bytes, end + 1) === code('[') ? escapeEnd(bytes, end) : end + 1;
  }
  return end;
}

function escapeEnd(bytes: Bytes, from: number): number {
  let end = from + 2;
  while (end - from < 20 && (is(bytes, end, DIGIT) || oneOf(at(bytes, end), ';?'))) end += 1;
  return is(bytes, end, ALPHA) ? end + 1 : from + 1;
}

/** The value of at most nine digits. */
export function value(bytes: Bytes, from: number, end: number): number {
  let sum = 0;
  for (let index = from; index < Math.min(end, from + 9); index += 1) sum = sum * 10 + (bytes[index]! - 0x30);
  return sum;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/** Whether `bytes` at `from` starts with the lower-case `wanted`, in any case. */
export function startsWith(bytes: Bytes, from: number, wanted: string): boolean {
  if (from + wanted.length > bytes.length) return false;
  for (let index = 0; index < wanted.length; index += 1) {
    if (lower(bytes[from + index]!) !== wanted.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether `bytes` at `from` starts with exactly `wanted`. */
export function startsWithExactly(bytes: Bytes, from: number, wanted: string): boolean {
  if (from + wanted.length > bytes.length) return false;
  for (let index = 0; index < wanted.length; index += 1) {
    if (bytes[from + index] !== wanted.charCodeAt(index)) return false;
  }
  return true;
}

/** The bytes as a string of one character a byte. Only for short parts that are compared with ASCII. */
export function ascii(bytes: Bytes, from: number, end: number): string {
  let text = '';
  for (let index = Math.max(0, from); index < Math.min(end, bytes.length); index += 1)
    text += String.fromCharCode(bytes[index]!);
  return text;
}

/** ASCII letters in lower case, all else as it is. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

const LEVELS = new Set(
  (
    'info warn error debug warning notice trace fatal critical severe err inf wrn dbg ftl crit alert emerg panic verbose fine finer ' +
    'finest log'
  ).split(' '),
);

/** Whether a word is the name of a level. */
export function isLevel(bytes: Bytes, from: number, end: number): boolean {
  return end - from >= 3 && end - from <= 8 && LEVELS.has(asciiLower(ascii(bytes, from, end)));
}

/** What the rule writes: bytes at whose end it looks again. */
export class Out {
  bytes: Bytes;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(Math.max(64, capacity));
  }

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  push(bytes: Bytes, from: number, end: number): void {
    this.#reserve(end - from);
    this.bytes.set(bytes.subarray(from, end), this.length);
    this.length += end - from;
  }

  pushText(text: string): void {
    this.#reserve(text.length);
    for (let index = 0; index < text.length; index += 1) this.bytes[this.length + index] = text.charCodeAt(index);
    this.length += text.length;
  }

  truncate(length: number): void {
    this.length = length;
  }

  /** The byte `back` places from the end (1 is the last one), or 0. */
  last(back: number): number {
    return back <= this.length ? this.bytes[this.length - back]! : 0;
  }

  endsWith(text: string, end: number = this.length): boolean {
    if (text.length > end) return false;
    for (let index = 0; index < text.length; index += 1) {
      if (this.bytes[end - text.length + index] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** What has been written, for readers that know where it ends. */
  written(): Bytes {
    return this.bytes.subarray(0, this.length);
  }
}

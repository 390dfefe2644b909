// Hostile text made visible. Log lines are written by whoever writes logs: control, bidirectional, invisible and look-alike-blank
// characters become named chips, the same ones in a row and floods of combining marks are counted, and long texts are cut. What comes out is
// rendered as text nodes only.

export interface Piece {
  kind: 'text' | 'chip';
  /** Text to show; of a chip its name, for example `U+202E`. */
  text: string;
  /** Of a chip: what the character is called. */
  title?: string;
  /** Classes of the range that it is in, if any. */
  mark?: string;
}

/** Part of a text in UTF-16 units, with a class to show it by. */
export interface MarkedRange {
  start: number;
  end: number;
  mark: string;
}

export interface VisibleOptions {
  /** Lets line ends and tabs through, for a block that keeps them. */
  isMultiline?: boolean;
  /** In order, apart from each other. */
  ranges?: readonly MarkedRange[];
}

// C0, DEL, C1; soft hyphen; Arabic letter mark; Hangul fillers; Khmer inherent vowels; Mongolian separators; zero width, bidi marks;
// line and paragraph separators; bidi embedding and override; invisible operators, isolates, deprecated format characters; braille
// blank; variation selectors; byte order mark; interlinear annotation; musical and shorthand format controls; tags and the
// supplementary selectors; private use; noncharacters at the end of planes; lone surrogates.
const ODD =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ue000-\uf8ff\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]|\p{Cs}|\p{M}{9,}/u;
/** One, and the same again behind it. */
const ODD_RUNS = new RegExp(`(${ODD.source})\\1*`, 'gu');
/** Chips and marks are elements, and a line may be nothing but odd characters or matches: beyond so many they are text as well. */
const ELEMENTS_MAX = 2_000;
const EMOJI_SELECTOR = /^\p{Extended_Pictographic}$/u;

const NAMES: Readonly<Record<number, string>> = {
  0x00: 'null',
  0x07: 'bell',
  0x08: 'backspace',
  0x09: 'tab',
  0x0a: 'line feed',
  0x0b: 'vertical tab',
  0x0c: 'form feed',
  0x0d: 'carriage return',
  0x1b: 'escape',
  0x7f: 'delete',
  0x85: 'next line',
  0x9b: 'control sequence introducer',
  0xad: 'soft hyphen',
  0x061c: 'Arabic letter mark',
  0x200b: 'zero width space',
  0x200c: 'zero width non-joiner',
  0x200d: 'zero width joiner',
  0x200e: 'left-to-right mark',
  0x200f: 'right-to-left mark',
  0x2028: 'line separator',
  0x2029: 'paragraph separator',
  0x202a: 'left-to-right embedding',
  0x202b: 'right-to-left embedding',
  0x202c: 'pop directional formatting',
  0x202d: 'left-to-right override',
  0x202e: 'right-to-left override',
  0x2060: 'word joiner',
  0x2066: 'left-to-right isolate',
  0x2067: 'right-to-left isolate',
  0x2068: 'first strong isolate',
  0x2069: 'pop directional isolate',
  0x2800: 'braille blank',
  0x3164: 'Hangul filler',
  0xfeff: 'byte order mark',
};
const SHORT: Readonly<Record<number, string>> = { 0x09: 'TAB', 0x0a: 'LF', 0x0d: 'CR', 0x1b: 'ESC', 0x00: 'NUL' };

/** Whether the text would look different from what it is. */
export function isOdd(text: string, { isMultiline = false }: VisibleOptions = {}): boolean {
  return ODD.test(isMultiline ? text.replace(/[\t\n]/g, ' ') : text);
}

/** The pieces of a text, in order; together they stand for all of it. */
export function visible(text: string, { isMultiline = false, ranges = [] }: VisibleOptions = {}): Piece[] {
  const pieces = new Pieces(isMultiline);
  let at = 0;
  for (const { start, end, mark } of ranges) {
    const from = Math.max(at, Math.min(start, text.length));
    const until = Math.max(from, Math.min(end, text.length));
    pieces.add(text.slice(at, from));
    pieces.add(text.slice(from, until), mark);
    at = until;
  }
  pieces.add(text.slice(at));
  return pieces.list;
}

class Pieces {
  readonly list: Piece[] = [];
  readonly #isMultiline: boolean;
  #elements = 0;

  constructor(isMultiline: boolean) {
    this.#isMultiline = isMultiline;
  }

  add(text: string, mark?: string): void {
    let at = 0;
    for (const { 0: run, 1: odd = run, index } of text.matchAll(ODD_RUNS)) {
      if (this.#isMultiline && (odd === '\n' || odd === '\t')) continue;
      // The selector that makes an emoji of a sign is no trick.
      if (run === '\ufe0f' && EMOJI_SELECTOR.test(lastCharacter(text.slice(Math.max(0, index - 2), index)))) continue;
      this.#push({ kind: 'text', text: text.slice(at, index) }, mark);
      this.#push(chip(odd, run.length / odd.length), mark);
      at = index + run.length;
    }
    this.#push({ kind: 'text', text: text.slice(at) }, mark);
  }

  #push(piece: Piece, mark: string | undefined): void {
    if (piece.text === '') return;
    const isElement = piece.kind === 'chip' || mark !== undefined;
    const last = this.list.at(-1);
    if (isElement && (this.#elements += 1) <= ELEMENTS_MAX)
      this.list.push(mark === undefined ? piece : { ...piece, mark });
    else if (last?.kind === 'text' && last.mark === undefined) last.text += plainText(piece);
    else this.list.push({ kind: 'text', text: plainText(piece) });
  }
}

function lastCharacter(text: string): string {
  return Array.from(text).at(-1) ?? '';
}

function chip(odd: string, count: number): Piece {
  const code = odd.codePointAt(0) ?? 0;
  const width = code > 0xffff ? 2 : 1;
  if (odd.length > width) {
    return {
      kind: 'chip',
      text: `+${Array.from(odd).length} marks`,
      title: 'combining marks, taken off the letter before them',
    };
  }
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const name =
    NAMES[code] ?? (code >= 0xd800 && code <= 0xdfff ? 'half of a character' : 'character that is not shown');
  const times = count === 1 ? '' : ` ×${count.toLocaleString('en')}`;
  return { kind: 'chip', text: (SHORT[code] ?? number) + times, title: `${number} ${name}${times}` };
}

/** A piece where there are no elements. */
const plainText = ({ kind, text }: Piece): string => (kind === 'chip' ? `‹${text}›` : text);

/** In one piece, for options, titles and labels: `web‹U+202E›`. What is longer than a name goes through HostileText. */
export function nameText(name: string, options: VisibleOptions = {}): string {
  if (!isOdd(name, options)) return name;
  return visible(name, options).map(plainText).join('');
}

/** The first `most` characters, never half of one, and how many characters are left out (in UTF-16 units). */
export function cut(text: string, most: number): { text: string; leftOut: number } {
  if (text.length <= most) return { text, leftOut: 0 };
  const unit = text.charCodeAt(most - 1);
  const end = unit >= 0xd800 && unit <= 0xdbff ? most - 1 : most;
  return { text: text.slice(0, end), leftOut: text.length - end };
}

/** Ranges in bytes of UTF-8, as the API has them, as ranges in UTF-16 units. In order; what lies beyond the text is dropped. */
export function rangesOfBytes(
  text: string,
  ranges: readonly { start: number; end: number; mark: string }[],
): MarkedRange[] {
  const found: MarkedRange[] = [];
  let byte = 0;
  let unit = 0;
  const unitAt = (wanted: number): number => {
    while (byte < wanted && unit < text.length) {
      const code = text.codePointAt(unit) ?? 0;
      byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
      unit += code > 0xffff ? 2 : 1;
    }
    return unit;
  };
  for (const { start, end, mark } of ranges) {
    const from = unitAt(start);
    const until = unitAt(end);
    if (until > from) found.push({ start: from, end: until, mark });
  }
  return found;
}

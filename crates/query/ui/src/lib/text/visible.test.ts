import { describe, expect, it } from 'vitest';
import { cut, isOdd, nameText, rangesOfBytes, visible } from './visible';

const shown = (text: string, isMultiline = false) =>
  visible(text, { isMultiline })
    .map((piece) => (piece.kind === 'chip' ? `‹${piece.text}›` : piece.text))
    .join('');

describe('a name', () => {
  it('says what cannot be seen in it', () => {
    expect(nameText('web-1 Größe')).toBe('web-1 Größe');
    expect(nameText('web\u202egpj\u200b')).toBe('web‹U+202E›gpj‹U+200B›');
  });
});

describe('hostile text', () => {
  it('stays as it is where it is plain', () => {
    for (const text of [
      '',
      'Failed password for root',
      'Größe 日本 مرحبا שלום 🙂',
      'e\u0301 is fine',
      '<script>alert(1)</script>',
      '⚠️ disk',
    ]) {
      expect(shown(text)).toBe(text);
      expect(visible(text).every((piece) => piece.kind === 'text')).toBe(true);
    }
    expect(isOdd('<img src=x onerror=alert(1)>')).toBe(false);
  });

  it('shows what turns text round', () => {
    expect(shown('invoice\u202Efdp.exe')).toBe('invoice‹U+202E›fdp.exe');
    expect(shown('\u2066a\u2069\u200f')).toBe('‹U+2066›a‹U+2069›‹U+200F›');
    expect(visible('\u202e')[0]).toEqual({ kind: 'chip', text: 'U+202E', title: 'U+202E right-to-left override' });
  });

  it('shows what cannot be seen', () => {
    expect(shown('ro\u200bot\u00ad\ufeff\u3164\u2800')).toBe('ro‹U+200B›ot‹U+00AD›‹U+FEFF›‹U+3164›‹U+2800›');
    expect(shown('a\u{e0041}\u{e0042}')).toBe('a‹U+E0041›‹U+E0042›');
    expect(shown('\ue000\u{f0000}\uffff')).toBe('‹U+E000›‹U+F0000›‹U+FFFF›');
  });

  it('shows what commands a terminal', () => {
    expect(shown('\u001b[31mred\u001b[0m\u0000\u0007\u009b')).toBe('‹ESC›[31mred‹ESC›[0m‹NUL›‹U+0007›‹U+009B›');
  });

  it('keeps lines apart only where there is room for it', () => {
    expect(shown('a\r\nb\tc')).toBe('a‹CR›‹LF›b‹TAB›c');
    expect(shown('a\nb\tc\u2028d', true)).toBe('a\nb\tc‹U+2028›d');
    expect(isOdd('a\nb', { isMultiline: true })).toBe(false);
  });

  it('takes floods of combining marks off the letter', () => {
    const flood = `Z${'\u0335'.repeat(200)}algo`;
    expect(shown(flood)).toBe('Z‹+200 marks›algo');
  });

  it('counts the same ones in a row', () => {
    expect(shown('a\u001b\u001b\u001bb\u001b')).toBe('a‹ESC ×3›b‹ESC›');
    expect(shown('\r\r\n\u{e0041}\u{e0041}')).toBe('‹CR ×2›‹LF›‹U+E0041 ×2›');
    expect(shown('\n\n\t\u0007\u0007', true)).toBe('\n\n\t‹U+0007 ×2›');
    expect(visible('\u202e'.repeat(256_000))).toEqual([
      { kind: 'chip', text: 'U+202E ×256,000', title: 'U+202E right-to-left override ×256,000' },
    ]);
  });

  it('makes no more elements than a page can bear', () => {
    const pieces = visible('\u001b[\u0007'.repeat(80_000));
    expect(pieces.length).toBeLessThan(5_000);
    expect(pieces.filter(({ kind }) => kind === 'chip')).toHaveLength(2_000);
    // All of it is still there, and nothing of it as it was.
    const text = pieces.map((piece) => (piece.kind === 'chip' ? `‹${piece.text}›` : piece.text)).join('');
    expect(text).toBe('‹ESC›[‹U+0007›'.repeat(80_000));
    const ranges = Array.from({ length: 9_000 }, (_, index) => ({ start: 2 * index, end: 2 * index + 1, mark: 'hit' }));
    const marked = visible('a '.repeat(9_000), { ranges });
    expect(marked.filter(({ mark }) => mark === 'hit')).toHaveLength(2_000);
    expect(marked.map(({ text: part }) => part).join('')).toBe('a '.repeat(9_000));
  });

  it('shows halves of characters', () => {
    expect(shown('a\ud83d b')).toBe('a‹U+D83D› b');
  });

  it('keeps marks, whatever stands in them', () => {
    expect(visible('ab\u202ecd', { ranges: [{ start: 1, end: 4, mark: 'hit' }] })).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'text', text: 'b', mark: 'hit' },
      { kind: 'chip', text: 'U+202E', title: 'U+202E right-to-left override', mark: 'hit' },
      { kind: 'text', text: 'c', mark: 'hit' },
      { kind: 'text', text: 'd' },
    ]);
    const beyond = visible('abc', {
      ranges: [
        { start: 2, end: 99, mark: 'x' },
        { start: 120, end: 130, mark: 'x' },
      ],
    });
    expect(beyond.map((piece) => piece.text).join('')).toBe('abc');
  });
});

describe('long text', () => {
  it('is cut between characters', () => {
    expect(cut('abc', 3)).toEqual({ text: 'abc', leftOut: 0 });
    expect(cut('abcd', 3)).toEqual({ text: 'abc', leftOut: 1 });
    expect(cut('ab🙂d', 3)).toEqual({ text: 'ab', leftOut: 3 });
  });
});

describe('ranges of bytes', () => {
  it('become ranges of the text', () => {
    const text = 'Größe 🙂 日本 x';
    const bytes = new TextEncoder().encode(text);
    const range = (part: string) => {
      const start = new TextEncoder().encode(text.slice(0, text.indexOf(part))).length;
      return { start, end: start + new TextEncoder().encode(part).length, mark: 'hit' };
    };
    const found = rangesOfBytes(text, [
      range('Größe'),
      range('🙂'),
      range('本'),
      { start: bytes.length + 4, end: bytes.length + 9, mark: 'hit' },
    ]);
    expect(found.map(({ start, end }) => text.slice(start, end))).toEqual(['Größe', '🙂', '本']);
  });
});

describe('what a search found in hostile text', () => {
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  /** What is marked, as it is shown, for a text of which `parts` were found. */
  function marked(text: string, ...parts: string[]): string[] {
    let from = 0;
    const ranges = parts.map((part) => {
      const at = text.indexOf(part, from);
      from = at + part.length;
      return { start: bytes(text.slice(0, at)), end: bytes(text.slice(0, at + part.length)), mark: 'hit' };
    });
    const pieces = visible(text, { ranges: rangesOfBytes(text, ranges) });
    // Nothing is lost or doubled on the way.
    expect(pieces.map((piece) => piece.text.length > 0)).not.toContain(false);
    return pieces.filter(({ mark }) => mark === 'hit').map(({ text: shownText }) => shownText);
  }

  it('stays marked behind what is made visible', () => {
    expect(marked('\u202e\u001b[31m日本 🙂 fail\u200bed', 'fail')).toEqual(['fail']);
    expect(marked('\u0000\u0000Größe\u0085 voll', 'Größe', 'voll')).toEqual(['Größe', 'voll']);
    expect(marked('👩‍🚒 e\u0301 \ufeffroot\ufeff', 'root')).toEqual(['root']);
  });

  it('stays marked where a character within it is made visible', () => {
    expect(marked('user ro\u200bot\u202e!', 'ro\u200bot')).toEqual(['ro', 'U+200B', 'ot']);
    expect(marked('a \u001b[1mred\u001b[0m b', '[1mred\u001b')).toEqual(['[1mred', 'ESC']);
  });
});

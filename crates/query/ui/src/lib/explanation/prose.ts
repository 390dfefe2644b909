// The text of a model for people: sections while it is still being written, paragraphs and lists, and references to lines. Nothing
// of it is markup; what looks like a heading, emphasis or code is shown as such by elements of ours.

export type SectionKey = 'whatHappened' | 'likelyCause' | 'evidence' | 'nextSteps';

export const SECTIONS: readonly { key: SectionKey; title: string }[] = [
  { key: 'whatHappened', title: 'What happened' },
  { key: 'likelyCause', title: 'Likely cause' },
  { key: 'evidence', title: 'Evidence' },
  { key: 'nextSteps', title: 'What to check next' },
];

/** As the server reads headings (crates/explain/src/answer/sections.rs), which has the last word when the answer is done. */
const HEADINGS: readonly [RegExp, SectionKey][] = [
  [/^(?:what happened|what is happening|summary)\b/i, 'whatHappened'],
  [/^(?:(?:most )?likely causes?|probable cause|possible causes?|root cause|cause)\b/i, 'likelyCause'],
  [/^(?:supporting )?evidence\b/i, 'evidence'],
  [
    /^(?:what to check(?: next)?|what to do next|(?:recommended )?next steps?|check next|recommendations?)\b/i,
    'nextSteps',
  ],
];

export type Sections = Readonly<Record<SectionKey, string>>;

/** Splits an answer that may still be growing. */
export function splitSections(text: string): Sections {
  const found: Record<SectionKey, string> = { whatHappened: '', likelyCause: '', evidence: '', nextSteps: '' };
  let section: SectionKey = 'whatHappened';
  for (const line of text.split('\n')) {
    const heading = headingOf(line);
    if (heading === undefined) {
      found[section] += `${line}\n`;
    } else {
      section = heading.section;
      if (heading.rest !== '') found[section] += `${heading.rest}\n`;
    }
  }
  for (const { key } of SECTIONS) found[key] = found[key].trim();
  return found;
}

function headingOf(line: string): { section: SectionKey; rest: string } | undefined {
  const marked = /^\s*(?:#{1,6}\s+|\d+[.)]\s*|[-*]\s+)?(\*\*|__)?\s*/.exec(line);
  const isMarked = /^\s*#{1,6}\s/.test(line) || marked?.[1] !== undefined;
  const rest = line.slice(marked?.[0].length ?? 0);
  for (const [pattern, section] of HEADINGS) {
    const name = pattern.exec(rest);
    if (name === null) continue;
    const behind = rest.slice(name[0].length);
    const end = /^\s*(?:\*\*|__)?\s*(?::|$)\s*(?:\*\*|__)?\s*/.exec(behind);
    if (end !== null && (isMarked || behind.trim() === '' || behind.includes(':')))
      return { section, rest: behind.slice(end[0].length).trim() };
  }
  return undefined;
}

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'strong'; text: string }
  | { kind: 'code'; text: string }
  /** `text` is as it was written, in brackets as a rule. */
  | { kind: 'reference'; text: string; reference: string };

export interface Block {
  kind: 'paragraph' | 'item';
  /** Of a numbered item, its number as it was written. */
  number?: string;
  parts: Inline[];
}

const INLINE = /\*\*([^*\n]+)\*\*|`([^`\n]+)`|\[(L\d{1,4})\]|\b(L\d{1,4})\b/g;

/** Paragraphs and items of lists. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { kind: Block['kind']; number?: string; text: string } | undefined;
  const close = () => {
    if (open !== undefined)
      blocks.push({
        kind: open.kind,
        ...(open.number !== undefined && { number: open.number }),
        parts: inlineOf(open.text),
      });
    open = undefined;
  };
  for (const line of text.split('\n')) {
    const item = /^\s*(?:[-*•]|(\d{1,3})[.)])\s+(.*)$/.exec(line);
    if (line.trim() === '') {
      close();
    } else if (item !== null) {
      close();
      open = { kind: 'item', text: item[2] ?? '', ...(item[1] !== undefined && { number: item[1] }) };
    } else if (open === undefined) {
      open = { kind: 'paragraph', text: line.replace(/^\s*#{1,6}\s+/, '').trim() };
    } else {
      open.text += `\n${line.trim()}`;
    }
  }
  close();
  return blocks;
}

export function inlineOf(text: string): Inline[] {
  const parts: Inline[] = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > at) parts.push({ kind: 'text', text: text.slice(at, found.index) });
    const [whole, strong, code, bracketed, bare] = found;
    if (strong !== undefined) parts.push({ kind: 'strong', text: strong });
    else if (code !== undefined) parts.push({ kind: 'code', text: code });
    else parts.push({ kind: 'reference', text: whole, reference: bracketed ?? bare ?? whole });
    at = found.index + whole.length;
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) });
  return parts;
}

// The template of a text: what is left of it once numbers, addresses, ids, paths and times are masked. The twin of
// crates/types/src/template, checked against the same vectors; docs/template.md has the rule.
import { type Bytes, Out } from './bytes';
import { strip } from './header';
import { Scan } from './scan';

/** Of the rule; what the server's TEMPLATE_VERSION says. */
export const TEMPLATE_VERSION = 1;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** The template as UTF-8. */
export function templateBytes(text: string): Bytes {
  const bytes = encoder.encode(text);
  const out = new Out(bytes.length);
  new Scan(bytes, strip(bytes, out), out).run();
  return out.written();
}

export function template(text: string): string {
  return decoder.decode(templateBytes(text));
}

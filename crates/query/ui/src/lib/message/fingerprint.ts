// What detections of one message have in common: the twin of crates/types/src/fingerprint.rs.
import { sha256 } from './sha256';
import { templateBytes } from './template';

/** The first 16 digits of the SHA-256 of the text's template. */
export function fingerprint(text: string): string {
  return sha256(templateBytes(text)).slice(0, 16);
}

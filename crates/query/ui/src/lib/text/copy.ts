// Puts text on the clipboard and says so.
import { toasts } from '$lib/components/toasts.svelte';

/** `what` begins a sentence: `The line`. */
export async function copyText(text: string, what: string): Promise<void> {
  const copied = await written(text);
  toasts.show(
    copied
      ? { message: `${what} is on the clipboard.`, seconds: 3 }
      : { message: `${what} could not be copied: the browser does not let pages use the clipboard.`, isError: true },
  );
}

async function written(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

/** For pages that came without TLS from another machine, which have no clipboard of their own. */
function copiedBySelection(text: string): boolean {
  const held = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr-only';
  area.setAttribute('aria-hidden', 'true');
  document.body.append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    area.remove();
    if (held instanceof HTMLElement) held.focus({ preventScroll: true });
  }
}

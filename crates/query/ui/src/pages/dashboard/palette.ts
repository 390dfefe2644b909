// Colours of theme.css for a canvas, which knows no tokens: read anew when the scheme changes.

export interface Palette {
  colour(token: string): string;
  /** The type of small text, with its size in pixels. */
  font: string;
}

export function readPalette(element: HTMLElement, tokens: readonly string[]): Palette {
  // A token is text such as `light-dark(…)`; only a property that is a colour gets the colour of the present scheme.
  const probe = document.createElement('span');
  probe.hidden = true;
  element.append(probe);
  const style = getComputedStyle(probe);
  const colours = new Map<string, string>();
  for (const token of tokens) {
    probe.style.color = `var(--${token})`;
    colours.set(token, style.color);
  }
  probe.style.fontSize = 'var(--size-xs)';
  const font = `${style.fontSize} ${style.fontFamily}`;
  probe.remove();
  return { colour: (token) => colours.get(token) ?? '', font };
}

/** Calls when the scheme or the contrast that a person wants has changed. Returns what ends it. */
export function onSchemeChange(work: () => void): () => void {
  const queries = ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)'].map((query) =>
    matchMedia(query),
  );
  for (const query of queries) query.addEventListener('change', work);
  return () => {
    for (const query of queries) query.removeEventListener('change', work);
  };
}

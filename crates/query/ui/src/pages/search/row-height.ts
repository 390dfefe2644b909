// About how high a row of results is before it was seen. Pure.

/** Narrower lists show source and time above the text; see ResultRow. */
const STACKED_BELOW = 896;
const TEXT_LINE = 21;
const TEXT_LINES_MAX = 3;
/** Of the text, in the font of rows. */
const CHARACTER_WIDTH = 7.3;

/** In pixels, for a text of so many characters in a list of so many pixels. */
export function rowHeight(characters: number, width: number): number {
  const isStacked = width < STACKED_BELOW;
  const room = Math.max(200, isStacked ? width - 32 : width - 500);
  const lines = Math.min(TEXT_LINES_MAX, Math.max(1, Math.ceil((characters * CHARACTER_WIDTH) / room)));
  return lines * TEXT_LINE + (isStacked ? 43 : 14);
}

// The keys of the page. Pure: which command a key means.

export type Command =
  | 'next'
  | 'previous'
  | 'first'
  | 'select'
  | 'acknowledge'
  | 'expand'
  | 'explain'
  | 'search'
  | 'show-new'
  | 'undo'
  | 'clear'
  | 'help';

export const SHORTCUTS: readonly { keys: readonly string[]; what: string }[] = [
  { keys: ['j', 'k'], what: 'Next and previous message' },
  { keys: ['e'], what: 'Open or close the message' },
  { keys: ['i'], what: 'Explain it' },
  { keys: ['x'], what: 'Select it; with Shift, all from the last one' },
  { keys: ['a'], what: 'Acknowledge it, or what is selected' },
  { keys: ['u'], what: 'Undo what was done last' },
  { keys: ['n'], what: 'Show what has come' },
  { keys: ['g'], what: 'To the top' },
  { keys: ['/'], what: 'Search' },
  { keys: ['Esc'], what: 'Clear the selection' },
  { keys: ['?'], what: 'This list' },
];

const COMMANDS: Readonly<Record<string, Command>> = {
  j: 'next',
  k: 'previous',
  ArrowDown: 'next',
  ArrowUp: 'previous',
  g: 'first',
  x: 'select',
  X: 'select',
  a: 'acknowledge',
  e: 'expand',
  i: 'explain',
  '/': 'search',
  n: 'show-new',
  u: 'undo',
  Escape: 'clear',
  '?': 'help',
};

export interface Pressed {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** The element that has the focus takes text, or is in a dialog or a menu. */
  isTaken: boolean;
}

/** What a key means; undefined where it is somebody else's. */
export function commandOf({ key, ctrlKey, metaKey, altKey, isTaken }: Pressed): Command | undefined {
  return ctrlKey || metaKey || altKey || isTaken ? undefined : COMMANDS[key];
}

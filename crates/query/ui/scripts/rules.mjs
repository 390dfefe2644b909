// Rules that no compiler knows: log text is shown as text only, colours and sizes come from theme.css, and nothing needs what
// the content policy forbids.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const LINES_MAX = 500;
const root = new URL('..', import.meta.url).pathname;
const RULES = [
  [/\{@html/, 'shows markup: render text nodes instead'],
  [/\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|DOMParser/, 'makes markup of a string'],
  [/\beval\(|new Function\(/, 'runs a string'],
  [
    /<[a-z][^>]*\sstyle=["'][^{"']/,
    'has a static style attribute, which the content policy forbids: use a class, or style:property={value}',
  ],
  [
    /\b(?:transition|in|out|animate):[a-z]+/,
    'uses a Svelte transition, which inserts a style element: use a CSS transition',
    /\.svelte$/,
  ],
  [
    /#[0-9a-fA-F]{3,8}\b(?=\s*[;,)])|\b(?:rgba?|hsla?|oklch)\(/,
    'names a colour: use a token of theme.css',
    /\.svelte$/,
  ],
  [/localStorage|document\.cookie|indexedDB/, 'keeps something beyond the tab'],
  [/\bsetInterval\(|EventSource\(/, 'polls or streams by itself: use $lib/api or $lib/time'],
];
const TEST_RULES = [
  [/\.(?:only|skip|todo|skipIf|runIf)\(/, 'leaves a test out'],
  [/waitForTimeout|\bsetTimeout\(|\bretry:/, 'waits for time instead of what a person would see', /\.test\.ts$/],
  [/waitForLoadState|networkidle/, 'waits for the network, which watches never leave alone'],
];
const ALLOWED = { 'src/lib/time/clock.svelte.ts': /setInterval/ };

let broken = 0;
function complain(where, what) {
  console.error(`${where}: ${what}`);
  broken += 1;
}

function check(folder, rules) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length);
    if (!entry.isFile() || !/\.(svelte|ts)$/.test(name) || name.startsWith('src/gen/')) continue;
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    if (lines.length > LINES_MAX) complain(name, `has ${lines.length} lines: split it by responsibility`);
    lines.forEach((line, index) => {
      for (const [pattern, what, files] of rules) {
        if (files && !files.test(name)) continue;
        if (pattern.test(line) && !ALLOWED[name]?.test(line)) complain(`${name}:${index + 1}`, what);
      }
    });
  }
}

check('src', RULES);
check('test/browser', TEST_RULES);
if (broken > 0) process.exit(1);

// The demo as it is on a day when things go wrong: the logs of examples/ with the story ending now, and a quiet day before it, so that
// there is something usual.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../browser/harness/programs';

/** Sources as in examples/demo.toml, and their file. */
function sourcesOfDemo(): [source: string, file: string][] {
  const demo = readFileSync(join(root, 'examples/demo.toml'), 'utf8');
  const found = [...demo.matchAll(/source_id = "([^"]+)"\nkind = "files"\npaths = \["logs\/([^"]+)"\]/g)];
  return found.map(([, source, file]) => [source!, file!]);
}

const STORY_HOURS = 4;
/** Stories of routine before it. */
const QUIET = 6;

/** What each source holds, its last line a moment old. */
export function demoLogs(now: number): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'turnstone-demo-'));
  try {
    const logs: Record<string, string> = {};
    for (let before = QUIET; before >= 0; before -= 1) {
      const end = new Date(now - before * STORY_HOURS * 3_600_000).toISOString().replace(/\.\d+Z$/, '+00:00');
      const kind = before > 0 ? ['--routine', '--seed', String(100 + before)] : [];
      const options = ['--end', end, '--out', folder, ...kind];
      execFileSync('python3', [join(root, 'examples/generate_logs.py'), ...options], { stdio: 'ignore' });
      for (const [source, file] of sourcesOfDemo()) {
        logs[source] = (logs[source] ?? '') + readFileSync(join(folder, file), 'utf8');
      }
    }
    return logs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As if the lines had been read when they were written, while nobody has the database open. */
export function asLive(database: string): void {
  const script = new URL('as_live.py', import.meta.url).pathname;
  execFileSync('python3', [script, database, join(root, 'crates/store/migrations/sqlite')], { stdio: 'inherit' });
}

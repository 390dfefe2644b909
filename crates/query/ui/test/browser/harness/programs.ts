// Finds the programs under test, and starts programs that end with the process of the test.
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';

/** The folder of the workspace. */
export const root = new URL('../../../../../../', import.meta.url).pathname;

/** `turnstone` in the folder that TURNSTONE_TEST_PROGRAMS names, or as cargo built it, where it is not older than its sources. */
export function turnstoneProgram(): string {
  const named = process.env['TURNSTONE_TEST_PROGRAMS'];
  const folder = named ?? join(resolve(root, process.env['CARGO_TARGET_DIR'] || 'target'), 'debug');
  const path = join(folder, 'turnstone');
  const hint = 'run `make ui` and `cargo build --workspace --bins` first';
  if (!existsSync(path)) throw new Error(`${path} is not there; ${hint}`);
  if (named === undefined) {
    const newer = sourceNewerThan(path);
    if (newer !== undefined) throw new Error(`${path} is older than ${newer}; ${hint}`);
  }
  return path;
}

/** Cargo writes beside each program of which files it was made. */
function sourceNewerThan(program: string): string | undefined {
  const list = `${program}.d`;
  if (!existsSync(list)) return undefined;
  const builtAt = statSync(program).mtimeMs;
  const sources = readFileSync(list, 'utf8')
    .split(': ')
    .slice(1)
    .join(': ')
    .split(/(?<!\\)\s+/);
  return sources
    .map((source) => source.replaceAll('\\ ', ' '))
    .find((source) => existsSync(source) && statSync(source).isFile() && statSync(source).mtimeMs > builtAt);
}

/** A running program, its output collected. */
export class Program {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<string>;
  readonly #name: string;
  #output = '';
  #waiting: (() => void)[] = [];
  #status: string | undefined;

  private constructor(name: string, child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#name = name;
    this.#child = child;
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#tell();
      });
    }
    this.#ended = new Promise((done) => {
      const end = (status: string) => {
        this.#status = status;
        this.#tell();
        done(status);
      };
      child.on('error', (error) => end(`an error: ${error.message}`));
      child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  /** Starts a program in the folder of the workspace. What a developer has set for Turnstone does not decide what is tested. */
  static start(path: string, args: readonly string[]): Program {
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('TURNSTONE_'));
    // The kernel ends it when the process of this test is killed, which no handler here could do.
    const isTied = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0;
    const [program, ...rest] = isTied ? ['setpriv', '--pdeathsig', 'KILL', path, ...args] : [path, ...args];
    const child = spawn(program!, rest, {
      cwd: root,
      // Threads that wait for each other spinning would take the cores from the browser.
      env: { ...Object.fromEntries(environment), OMP_WAIT_POLICY: 'passive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child.pid);
    child.on('exit', () => running.delete(child.pid));
    return new Program(basename(path), child);
  }

  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#status === undefined;
  }

  /** Waits until its output matches. */
  async printed(pattern: RegExp, seconds = 60): Promise<RegExpExecArray> {
    const end = AbortSignal.timeout(seconds * 1_000);
    end.addEventListener('abort', () => this.#tell());
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found !== null) return found;
      if (!this.isRunning) throw new Error(`${this.#name} ended with ${this.#status}\n${this.#output}`);
      if (end.aborted)
        throw new Error(`${this.#name} printed nothing like ${pattern} in ${seconds} s\n${this.#output}`);
      await new Promise<void>((told) => {
        this.#waiting.push(told);
      });
    }
  }

  /** Sends a signal and waits for the end; by force after 20 seconds. Answers how it ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
    this.#child.kill(signal);
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    const status = await this.#ended;
    clearTimeout(force);
    return status;
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const told of waiting) told();
  }
}

const running = new Set<number | undefined>();
const atEnd = new Set<() => void>();

/** Runs `work` should this process end before its turn has come, also when Vitest is interrupted; answers what takes that back. */
export function whenInterrupted(work: () => void): () => void {
  atEnd.add(work);
  return () => atEnd.delete(work);
}

process.on('exit', () => {
  for (const pid of running) {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  for (const work of atEnd) work();
});
// Vitest above is gone, or a person has had enough: a test in its middle would go on otherwise. Playwright ends its browser at exit.
process.once('disconnect', () => process.exit(1));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** A loopback port that is free at present, and stays so while its program is stopped: none of those that the system gives to whoever
 * connects, from 32768 on, to a browser for example that looks for the program. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(15_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((done) =>
      server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true)),
    );
    if (!isFree) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
  throw new Error('no free port');
}

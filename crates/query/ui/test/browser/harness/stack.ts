// A whole Turnstone as `turnstone up` starts it: real model, queue and database in a temporary folder, reading files that tests write.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { inject } from 'vitest';
import { DetectionService } from '$gen/turnstone/v1/detection_pb';
import { EntryService } from '$gen/turnstone/v1/entry_pb';
import { StatsService } from '$gen/turnstone/v1/stats_pb';
import { startLlm, type Llm } from './llm';
import { freePort, Program, whenInterrupted } from './programs';

/** The token of a stack that was started with `auth: true`. */
export const TOKEN = 'a-token-for-the-tests-of-the-pages';

export interface SourceOptions {
  /** Empty for the shared tenant. */
  tenant?: string;
  lines?: readonly string[];
}

export interface StackOptions {
  /** TOML of one's own: tables, or dotted keys in front of them. */
  config?: string;
  /** Asks for a token: `TOKEN`, or the one given. */
  auth?: boolean | string;
  /** A real language model: one that is running, or one that is started and stopped with the stack. */
  llm?: boolean | Llm;
  /** What the sources hold at first, by their name. */
  lines?: Readonly<Record<string, readonly string[]>>;
  /** Sources, where a name is not enough to say. */
  sources?: Readonly<Record<string, SourceOptions>>;
  port?: number;
}

const ENDED_LOG_LINES = 60;

export class Stack {
  readonly port: number;
  readonly url: string;
  /** What the pages ask, for looking behind them; with the token, of the shared tenant. */
  readonly api;
  readonly #folder: string;
  readonly #args: readonly string[];
  readonly #token: string | undefined;
  #program: Program | undefined;
  #llm: Llm | undefined;
  #written = 0;
  readonly #notInterrupted: () => void;
  #log = '';

  constructor(folder: string, port: number, token: string | undefined) {
    this.#folder = folder;
    this.#notInterrupted = whenInterrupted(() => rmSync(folder, { recursive: true, force: true }));
    this.port = port;
    this.#token = token;
    this.url = `http://127.0.0.1:${port}`;
    this.#args = ['up', '--config', join(folder, 'turnstone.toml'), '--data-dir', join(folder, 'data')];
    this.api = this.apiOf('');
  }

  /** The API as one tenant sees it. */
  apiOf(tenant: string) {
    const identify: Interceptor = (next) => (request) => {
      if (this.#token !== undefined) request.header.set('authorization', `Bearer ${this.#token}`);
      if (tenant !== '') request.header.set('x-turnstone-tenant', tenant);
      return next(request);
    };
    const transport = createGrpcWebTransport({ baseUrl: this.url, interceptors: [identify] });
    return {
      detections: createClient(DetectionService, transport),
      entries: createClient(EntryService, transport),
      stats: createClient(StatsService, transport),
    };
  }

  /** Starts it, again on the same port and data, and waits until it is ready. */
  async start(): Promise<void> {
    if (this.#program?.isRunning) throw new Error('the stack is running');
    this.#program = Program.start(inject('turnstoneProgram'), [...this.#args, '--listen', `127.0.0.1:${this.port}`]);
    await this.#program.printed(/listens on http:\/\//);
    await this.#until('it is not ready', async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  /** Stops it as Ctrl-C does; its data stay. */
  async stop(): Promise<void> {
    await this.#program?.stop();
    this.#log += this.#program?.output ?? '';
    this.#program = undefined;
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    await this.#program?.stop('SIGKILL');
    this.#log += this.#program?.output ?? '';
    this.#program = undefined;
  }

  /** Stops everything and removes what it wrote. */
  async remove(): Promise<void> {
    await this.stop();
    await this.#llm?.stop('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
    this.#notInterrupted();
  }

  /** Appends lines to the file of a source. */
  write(source: string, lines: string | readonly string[]): void {
    const all = typeof lines === 'string' ? [lines] : lines;
    appendFileSync(this.fileOf(source), all.map((line) => `${line}\n`).join(''));
    this.#written += all.length;
  }

  /** The file that a source is read from. */
  fileOf(source: string): string {
    return join(this.#folder, 'logs', `${encodeURIComponent(source)}.log`);
  }

  /** Waits until all lines that were written, of all tenants, have been stored and scored. Lines that begin with a blank join the one before: say then how many entries there are. */
  async settled(entries = this.#written, tenants: readonly string[] = [''], seconds = 120): Promise<void> {
    let seen = '';
    await this.#until(
      () => `not all lines are scored: ${seen}`,
      async () => {
        let stored = 0n;
        let waiting = 0n;
        for (const tenant of tenants) {
          const { entryCount, unscoredEntryCount } = await this.apiOf(tenant).stats.getStatsSummary({});
          stored += entryCount;
          waiting += unscoredEntryCount;
        }
        seen = `${stored} of ${entries} stored, ${waiting} wait`;
        return stored >= BigInt(entries) && waiting === 0n;
      },
      seconds,
    );
  }

  /** The end of what it has logged. */
  get log(): string {
    const all = this.#log + (this.#program?.output ?? '');
    return `--- log of turnstone\n${all.split('\n').slice(-ENDED_LOG_LINES).join('\n')}`;
  }

  /** For `startStack`. */
  async prepare(options: StackOptions): Promise<void> {
    mkdirSync(join(this.#folder, 'logs'));
    if (options.llm === true) this.#llm = await startLlm();
    const llm = typeof options.llm === 'object' ? options.llm : this.#llm;
    const sources: Record<string, SourceOptions> = { ...options.sources };
    for (const [id, lines] of Object.entries(options.lines ?? {})) sources[id] = { ...sources[id], lines };
    let config = `ingest.cycle_interval_ms = 100
ingest.poll_interval_ms = 100
anomaly.model = "turnstone-mini"
anomaly.threads = 1
${this.#token === undefined ? '' : `api_token = "${this.#token}"\n`}${options.config ?? ''}
${llm?.config ?? ''}`;
    for (const [id, { tenant = '', lines = [] }] of Object.entries(sources)) {
      config += `
[[sources]]
tenant = ${JSON.stringify(tenant)}
source_id = ${JSON.stringify(id)}
kind = "files"
paths = [${JSON.stringify(this.fileOf(id))}]
`;
      this.write(id, lines);
    }
    writeFileSync(join(this.#folder, 'turnstone.toml'), config);
  }

  async #until(complaint: string | (() => string), isTrue: () => Promise<boolean>, seconds = 120): Promise<void> {
    const end = Date.now() + seconds * 1_000;
    let problem: unknown;
    for (;;) {
      try {
        if (await isTrue()) return;
      } catch (error) {
        problem = error;
      }
      const why = typeof complaint === 'string' ? complaint : complaint();
      if (!this.#program?.isRunning) throw new Error(`turnstone has ended; ${why}\n${this.log}`);
      if (Date.now() > end) throw new Error(`${why}\n${this.log}`, { cause: problem });
      await new Promise((again) => setTimeout(again, 50));
    }
  }
}

/** Starts a Turnstone that reads `lines`, waits until they are scored. Give it back with `remove` (in `afterAll`). */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'turnstone-pages-'));
  const token = options.auth === true ? TOKEN : options.auth || undefined;
  const stack = new Stack(folder, options.port ?? (await freePort()), token);
  try {
    await stack.prepare(options);
    await stack.start();
    // What the sources of several tenants hold together, nobody sees: `settled` then needs to be told.
    if (Object.values(options.sources ?? {}).every(({ tenant = '' }) => tenant === '')) await stack.settled();
  } catch (error) {
    await stack.remove();
    throw error;
  }
  return stack;
}

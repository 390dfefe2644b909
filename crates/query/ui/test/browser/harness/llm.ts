// A real language model on a free loopback port: llama.cpp's server with SmolLM2-135M, as tools/local-llm.py runs it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, Program, root } from './programs';

const MODEL = 'smollm2-135m-instruct';
const CONTEXT_TOKENS = 2_048;

export interface Llm {
  /** Base URL of its API. */
  address: string;
  port: number;
  /** What a configuration of Turnstone says to use it. */
  config: string;
  /** What its server has logged. */
  log: () => string;
  stop: (signal?: NodeJS.Signals) => Promise<string>;
}

/** For words and whole answers of a small model on a busy machine. */
export const MODEL_PATIENCE = { timeout: 120_000 };
/** For a test in which a model answers several times. */
export const MODEL_TEST_MS = 300_000;

/** Starts it, again where one was before if `port` is given, and waits until the model is loaded. */
export async function startLlm(port?: number): Promise<Llm> {
  const python = join(root, '.tools/llm/bin/python');
  if (!existsSync(python)) throw new Error(`${python} is not there; run tools/ensure-venv.sh llm first`);
  port ??= await freePort();
  const program = Program.start(python, [
    join(root, 'tools/local-llm.py'),
    ...['--port', String(port), '--context', String(CONTEXT_TOKENS)],
  ]);
  const address = `http://127.0.0.1:${port}/v1`;
  await program.printed(/answers at/, 120);
  const end = Date.now() + 120_000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) break;
    if (Date.now() > end || !program.isRunning) throw new Error(`the model is not loaded\n${program.output}`);
    await new Promise((again) => setTimeout(again, 50));
  }
  const config = `[llm]
address = "${address}"
model = "${MODEL}"
context_tokens = ${CONTEXT_TOKENS}
max_tokens = 160
temperature = 0.0
first_token_seconds = 120
between_tokens_seconds = 120
whole_seconds = 120
`;
  return { address, port, config, log: () => program.output, stop: (signal) => program.stop(signal) };
}

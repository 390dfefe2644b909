import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fingerprint } from './fingerprint';
import { sha256 } from './sha256';
import { template, TEMPLATE_VERSION } from './template';

const types = new URL('../../../../../types/src/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, types), 'utf8');
const vectors = read('template/vectors.jsonl')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { text: string; template: string });

/** Numbers that are the same in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('the template', () => {
  it('is that of the server, for each of its vectors', () => {
    expect(vectors.length).toBeGreaterThan(200);
    for (const { text, template: expected } of vectors) {
      expect(template(text), text).toBe(expected);
      expect(template(expected), `${text} again`).toBe(expected);
    }
  });

  it('has the version of the server', () => {
    expect(read('template/mod.rs')).toContain(`TEMPLATE_VERSION: u32 = ${TEMPLATE_VERSION};`);
  });

  it('takes time that grows with the length only', () => {
    for (const part of ['1.', 'a@b.cc ', '/../', '<num>', '1h2m', '_1', 'aa:', '10:00:00 ', '%41', '[1] ']) {
      const long = part.repeat(Math.ceil(200_000 / part.length));
      // Of the processor: other programs on the machine do not count.
      const begin = process.cpuUsage();
      template(long);
      expect(process.cpuUsage(begin).user / 1_000, part).toBeLessThan(1_000);
    }
  });
});

describe('the fingerprint', () => {
  it('is that of the server', () => {
    const source = /const VECTORS[^=]*= \[([^]*?)\n {4}\];/.exec(read('fingerprint.rs'))?.[1] ?? '';
    const cases = [...source.matchAll(/\(\s*("(?:[^"\\]|\\.)*"),\s*"(?:[^"\\]|\\.)*",\s*"([0-9a-f]{16})",?\s*\)/g)];
    expect(cases.length).toBe(5);
    for (const [, text, expected] of cases) expect(fingerprint(JSON.parse(text!) as string)).toBe(expected);
  });
});

describe('SHA-256', () => {
  it('is that of others', () => {
    const random = randomNumbers(7);
    for (let length = 0; length < 300; length += 1) {
      const message = Uint8Array.from({ length }, () => Math.floor(random() * 256));
      expect(sha256(message), String(length)).toBe(createHash('sha256').update(message).digest('hex'));
    }
  });
});

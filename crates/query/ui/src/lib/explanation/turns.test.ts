import { describe, expect, it } from 'vitest';
import { Turns } from './turns';

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('are given to so many at once, then in order', async () => {
    const turns = new Turns(2);
    const begun: string[] = [];
    const take = async (name: string) => {
      const end = await turns.take(never);
      begun.push(name);
      return end;
    };
    const [first, , third, fourth] = ['a', 'b', 'c', 'd'].map(take);
    await settled();
    expect(begun).toEqual(['a', 'b']);
    (await first!)();
    await settled();
    expect(begun).toEqual(['a', 'b', 'c']);
    (await third!)();
    (await fourth!)();
    await settled();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are not kept for those who went away', async () => {
    const turns = new Turns(1);
    const end = await turns.take(never);
    const gone = new AbortController();
    const waiting = turns.take(gone.signal);
    const next = turns.take(never);
    gone.abort();
    await expect(waiting).rejects.toThrow();
    end();
    (await next)();
    await expect(turns.take(gone.signal)).rejects.toThrow();
    (await turns.take(never))();
  });
});

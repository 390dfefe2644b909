import { expect, it } from 'vitest';
import { Recent } from './recent';

it('keeps what was used last', () => {
  const gone: number[] = [];
  const recent = new Recent<number>(2, (value) => gone.push(value));
  recent.set('a', 1);
  recent.set('b', 2);
  expect(recent.get('a')).toBe(1);
  recent.set('c', 3);
  expect([gone, recent.get('a'), recent.get('b'), recent.get('c')]).toEqual([[2], 1, undefined, 3]);
  recent.set('a', 4);
  recent.delete('c');
  recent.set('d', 5);
  expect([gone, recent.get('a'), recent.get('d')]).toEqual([[2], 4, 5]);
});

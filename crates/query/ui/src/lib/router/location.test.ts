import { describe, expect, it } from 'vitest';
import { formatQuery, normalisePath, parseQuery, safePath } from './location';

describe('addresses', () => {
  it('have one form for one view', () => {
    expect(formatQuery({ b: '2', a: 'x y&z', c: '', d: undefined })).toBe('?a=x+y%26z&b=2');
    expect(formatQuery({})).toBe('');
    expect(parseQuery('?a=x+y%26z&b=2')).toEqual({ a: 'x y&z', b: '2' });
  });

  it('lose slashes at their end', () => {
    expect(['/', '/alerts', '/alerts/', '//', ''].map(normalisePath)).toEqual(['/', '/alerts', '/alerts', '/', '/']);
  });

  it('never lead to another server', () => {
    for (const text of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      '',
      undefined,
      '/a\n//b',
    ]) {
      expect(safePath(text)).toBe('/');
    }
    expect(safePath('/alerts?severity=ERROR')).toBe('/alerts?severity=ERROR');
  });
});

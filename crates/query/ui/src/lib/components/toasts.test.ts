import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toasts } from './toasts.svelte';

const messages = () => toasts.list.map(({ message }) => message);

describe('toasts', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    toasts.release();
    for (const { id } of toasts.list) toasts.dismiss(id);
    vi.useRealTimers();
  });

  it('stand for a while, longer where there is something to do', () => {
    toasts.show({ message: 'done' });
    toasts.show({ message: 'done, undo?', action: { label: 'Undo', run: () => {} } });
    vi.advanceTimersByTime(6_000);
    expect(messages()).toEqual(['done, undo?']);
    vi.advanceTimersByTime(4_000);
    expect(messages()).toEqual([]);
  });

  it('stay while they are held, those that come meanwhile too', () => {
    toasts.show({ message: 'first' });
    toasts.hold();
    toasts.show({ message: 'second' });
    vi.advanceTimersByTime(60_000);
    expect(messages()).toEqual(['first', 'second']);
    toasts.release();
    vi.advanceTimersByTime(5_000);
    // Released already: their time does not begin once more.
    toasts.release();
    vi.advanceTimersByTime(1_000);
    expect(messages()).toEqual([]);
  });
});

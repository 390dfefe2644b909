// Rates, shares and differences for people, and the numbers of a chart. Pure.
import { shortCount } from '$lib/text/counts';

/** Lines a second: `0`, `< 0.01`, `0.42`, `3.7`, `85`, `12.4k`. */
export function rate(perSecond: number): string {
  if (perSecond <= 0) return '0';
  if (perSecond < 0.01) return '< 0.01';
  if (perSecond < 0.995) return perSecond.toFixed(2);
  if (perSecond < 99.5) return perSecond < 9.95 ? perSecond.toFixed(1) : perSecond.toFixed(0);
  return perSecond < 9_999.5 ? Math.round(perSecond).toLocaleString('en') : shortCount(perSecond);
}

/** A share of 0 to 1. What is not nothing never reads as nothing, what is not all never as all. */
export function percent(share: number): string {
  const value = share * 100;
  if (value <= 0) return '0%';
  if (value >= 100) return '100%';
  if (value < 0.1) return '< 0.1%';
  if (value < 9.95) return `${value.toFixed(1)}%`;
  return value > 99 ? '> 99%' : `${Math.round(value)}%`;
}

/** How far a rate is from the usual one: `+12%`, `−40%`, `×3.2`; empty where nothing is usual. */
export function difference(now: number, usual: number | undefined): string {
  if (usual === undefined || usual <= 0) return '';
  const ratio = now / usual;
  if (ratio >= 2) return `×${ratio < 9.95 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString('en')}`;
  const change = Math.round((ratio - 1) * 100);
  if (change === 0) return '±0%';
  return change > 0 ? `+${change}%` : `−${-change}%`;
}

/** A round number at or above the largest value whose half is one too: the top of an axis. */
export function axisTop(largest: number): number {
  if (largest <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(largest));
  for (const step of [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10]) {
    const top = Math.round(step * power);
    if (top >= largest && top % 2 === 0) return top;
  }
  return 20 * power;
}

/** A line of values over a box of this size, its baseline at the bottom; empty for fewer than two values. */
export function linePath(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) return '';
  const top = Math.max(...values, 1e-9);
  return values
    .map((value, index) => {
      const x = (index / (values.length - 1)) * width;
      return `${index === 0 ? 'M' : 'L'}${round(x)} ${round(height - (value / top) * height)}`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

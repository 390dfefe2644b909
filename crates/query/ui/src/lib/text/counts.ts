// Counts for people. What a short form cuts off is there on hover: see `exactCount`. Pure.

type Count = number | bigint;

const STEPS: readonly [from: number, divisor: number, unit: string][] = [
  [1e12, 1e12, 'T'],
  [1e9, 1e9, 'G'],
  [1e6, 1e6, 'M'],
];

/** All digits: `1,284,331`. */
export function exactCount(value: Count): string {
  return value.toLocaleString('en');
}

/** All digits below a million, three of them above: `999,999`, `1.28 M`. */
export function count(value: Count): string {
  const number = Number(value);
  for (const [from, divisor, unit] of STEPS) if (number >= from) return `${threeDigits(number / divisor)} ${unit}`;
  return exactCount(value);
}

/** For axes and legends: `950`, `1.2k`, `34k`, `1.3M`. */
export function shortCount(value: Count): string {
  const number = Number(value);
  for (const [from, divisor, unit] of [...STEPS, [1e3, 1e3, 'k'] as const]) {
    if (number < from) continue;
    const part = number / divisor;
    return `${(part < 10 ? Math.floor(part * 10) / 10 : Math.floor(part)).toLocaleString('en')}${unit}`;
  }
  return exactCount(value);
}

/** Rounds down, so that the next unit is never reached. */
function threeDigits(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return (Math.floor(value * 10 ** digits) / 10 ** digits).toFixed(digits);
}

/** `1 line`, `1,204 lines`. */
export const howMany = (value: number, one: string, many = `${one}s`): string =>
  `${exactCount(value)} ${value === 1 ? one : many}`;

// Numbers with what they count.

/** `1 line`, `1,204 lines`. */
export const howMany = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

// Queries of addresses: filters as they stand in the URL. Pure, so that it can be tested without a browser.

export type Query = Readonly<Record<string, string>>;

export function parseQuery(search: string): Query {
  return Object.fromEntries(new URLSearchParams(search));
}

/** The query string, with its `?`, of what is not empty; keys in order of their names, so that one view has one address. */
export function formatQuery(query: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '',
  );
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.sort(([a], [b]) => (a < b ? -1 : 1))).toString()}`;
}

/** The address of a stored line. */
export const lineAddress = (entryId: string): string => `/search${formatQuery({ entry: entryId })}`;

/** The path without a slash at its end. */
export function normalisePath(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : '/';
}

/** A path on this server and nothing else: what follows sign-in comes from the address bar, which anybody can fill. */
export function safePath(text: string | undefined): string {
  return text !== undefined && /^\/(?![/\\])/.test(text) && !/[\u0000-\u001f\\]/.test(text) ? text : '/';
}

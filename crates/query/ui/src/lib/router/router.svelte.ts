// Where the person is: path and query of the address bar, as state.
import { formatQuery, normalisePath, parseQuery, type Query } from './location';

class Router {
  path = $state('/');
  query = $state.raw<Query>({});
  /** Rises with each change of the path that a person made here, for focus and announcements. */
  arrivals = $state(0);

  constructor() {
    if (typeof window === 'undefined') return;
    this.#read();
    window.addEventListener('popstate', () => {
      const before = this.path;
      this.#read();
      if (before !== this.path) this.arrivals += 1;
    });
  }

  /** Goes to an address of this server. */
  go(address: string, { replace = false } = {}): void {
    const before = this.path;
    if (address !== location.pathname + location.search) {
      if (replace) history.replaceState(null, '', address);
      else history.pushState(null, '', address);
    }
    this.#read();
    if (before !== this.path) this.arrivals += 1;
  }

  /** Changes parts of the query and keeps the rest; undefined or empty removes a key. `replace` for what is typed letter by letter. */
  patch(changes: Readonly<Record<string, string | undefined>>, { replace = false } = {}): void {
    this.go(this.path + formatQuery({ ...this.query, ...changes }), { replace });
  }

  /** Lets plain clicks on links to pages of ours stay within the page. For the root element. */
  readonly followLink = (event: MouseEvent): void => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.hash !== '' && link.pathname === location.pathname) return;
    if (link.dataset['external'] !== undefined) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  };

  #read(): void {
    this.path = normalisePath(location.pathname);
    this.query = parseQuery(location.search);
  }
}

export const router = new Router();

// Something read from the server for as long as a component shows it: data, or why not, or not yet.
import { untrack } from 'svelte';
import { everySeconds } from '$lib/time/clock.svelte';
import { connection } from './connection.svelte';
import { problemOf, type Problem } from './problem';
import { retrying } from './retry';
import { session } from './session.svelte';

export class Resource<T> {
  /** The last answer. Stays while the next one is on its way, and when that fails. */
  data = $state.raw<T | undefined>();
  /** Why the last try failed; undefined once one succeeds, and where something else is wanted. */
  problem = $state.raw<Problem | undefined>();
  loading = $state(true);
  /** When `data` was read, in milliseconds since 1970. */
  readAt = $state(0);
  #reloads = $state(0);

  /** How often it was asked to read again; `resource` depends on it. */
  get reloads(): number {
    return this.#reloads;
  }

  /** A person wants it anew: forgets why it failed. */
  reload(): void {
    this.problem = undefined;
    this.#reloads += 1;
  }

  /** Reads again what may have changed. Nobody asked: what is shown stays, and a try that takes long is not begun anew. */
  refresh(): void {
    if (!this.loading) this.#reloads += 1;
  }
}

export interface ResourceOptions {
  /** Reads again that often while the page is visible. */
  everySeconds?: number;
}

/** Reads with `read(key)` and again whenever the key changes, on `reload()`, when the server is back, and when somebody else signs
 * in. A new key drops the old data; a change of nothing but time keeps it. To be called while a component is set up. */
export function resource<K, T>(
  key: () => K,
  read: (key: K, signal: AbortSignal) => Promise<T>,
  options: ResourceOptions = {},
): Resource<T> {
  const state = new Resource<T>();
  let shownFor: string | undefined;
  $effect(() => {
    const wanted = key();
    // Dependencies besides the key.
    void [state.reloads, connection.generation, session.generation];
    const identity = JSON.stringify([wanted, session.generation]);
    const aborter = new AbortController();
    untrack(() => {
      if (identity !== shownFor) state.data = state.problem = undefined;
      shownFor = identity;
      state.loading = true;
      retrying(() => read(wanted, aborter.signal), aborter.signal).then(
        (data) => {
          if (aborter.signal.aborted) return;
          state.data = data;
          state.problem = undefined;
          state.loading = false;
          state.readAt = Date.now();
        },
        (error: unknown) => {
          // A call that the server cancelled is no call that we gave up.
          if (aborter.signal.aborted) return;
          state.problem = problemOf(error);
          state.loading = false;
        },
      );
    });
    return () => aborter.abort();
  });
  if (options.everySeconds !== undefined) {
    const period = options.everySeconds;
    $effect(() => everySeconds(period, () => state.refresh()));
  }
  return state;
}

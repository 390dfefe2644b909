// What a search finds, page after page. What is shown stays until the first page of a new search is here, and when a later page fails.
import type { Entry, SearchEntriesRequest, SearchEntriesResponse } from '$gen/turnstone/v1/entry_pb';
import { problemOf, type Problem } from '$lib/api/problem';
import { retrying } from '$lib/api/retry';
import { rangesOfBytes, type MarkedRange } from '$lib/text/visible';

export interface Found {
  entry: Entry;
  /** Where the query matched, in UTF-16 units. */
  ranges: readonly MarkedRange[];
}

export type Search = (request: SearchEntriesRequest, signal: AbortSignal) => Promise<SearchEntriesResponse>;

export class Results {
  /** Of the search before for as long as `isFirst`. */
  found = $state.raw<readonly Found[]>([]);
  /** Nothing of this search has come yet. */
  isFirst = $state(true);
  isReading = $state(false);
  /** Why the last page that was asked for did not come. */
  problem = $state.raw<Problem | undefined>();
  hasMore = $state(false);

  readonly #search: Search;
  #request: SearchEntriesRequest | undefined;
  #nextToken = '';
  #aborter = new AbortController();
  #seen = new Set<string>();

  constructor(search: Search) {
    this.#search = search;
  }

  /** Begins a search. */
  async run(request: SearchEntriesRequest): Promise<void> {
    this.#aborter.abort();
    this.#request = request;
    this.#nextToken = '';
    this.#seen = new Set();
    this.isFirst = true;
    this.hasMore = false;
    await this.#read();
  }

  /** The next page, unless there is none or it is on its way or has failed: then `retry`. */
  async more(): Promise<void> {
    if (this.hasMore && !this.isReading && this.problem === undefined) await this.#read();
  }

  async retry(): Promise<void> {
    if (!this.isReading && this.problem !== undefined) await this.#read();
  }

  stop(): void {
    this.#aborter.abort();
    this.isReading = false;
  }

  async #read(): Promise<void> {
    if (this.#request === undefined) return;
    const aborter = new AbortController();
    this.#aborter = aborter;
    this.isReading = true;
    this.problem = undefined;
    const request = { ...this.#request, pageToken: this.#nextToken };
    try {
      const answer = await retrying(() => this.#search(request, aborter.signal), aborter.signal);
      if (aborter.signal.aborted) return;
      this.#take(answer);
      this.isReading = false;
    } catch (error) {
      if (aborter.signal.aborted) return;
      this.isReading = false;
      if (this.isFirst) this.found = [];
      this.problem = problemOf(error);
    }
  }

  #take({ entries, matches, nextPageToken }: SearchEntriesResponse): void {
    const page: Found[] = [];
    entries.forEach((entry, index) => {
      // By relevance a line may come twice when the set changes between two pages.
      if (this.#seen.has(entry.id)) return;
      this.#seen.add(entry.id);
      const highlights = matches[index]?.highlights ?? [];
      page.push({
        entry,
        ranges: rangesOfBytes(
          entry.text,
          highlights.map(({ start, end }) => ({ start, end, mark: 'hit' })),
        ),
      });
    });
    this.found = this.isFirst ? page : [...this.found, ...page];
    this.isFirst = false;
    this.#nextToken = nextPageToken;
    this.hasMore = nextPageToken !== '';
  }
}

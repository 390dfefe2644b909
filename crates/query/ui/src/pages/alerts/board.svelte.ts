// What the page shows: groups as they are listed, and what has come since without moving them.
import { create } from '@bufbuild/protobuf';
import { SvelteMap } from 'svelte/reactivity';
import {
  ListDetectionsRequestSchema,
  type Detection,
  type DetectionFilter,
  type DetectionGroup,
} from '$gen/turnstone/v1/detection_pb';
import { connection, detections, isAbort, problemOf, retrying, watchDetections, type Problem } from '$lib/api';
import { toasts } from '$lib/components/toasts.svelte';
import { everySeconds } from '$lib/time/clock.svelte';
import { fixed } from '$lib/time/window';
import { detectionFilter, type AlertFilter } from './filter';
import {
  compareDetections,
  compareGroups,
  compareTimes,
  groupOf,
  keyOf,
  keyOfDetection,
  withDetection,
} from './groups';

const FIRST_PAGE = 100;
const LATER_PAGES = 500;
/** What comes is taken in that often at most. */
const TAKE_IN_MS = 250;
/** Others acknowledge too, and nobody tells: the first page is read again that often. */
const FRESHEN_SECONDS = 60;
const FRESHEN_PAGES_MAX = 20;
/** Groups that wait to be shown, and groups that are shown; whoever floods the logs makes more. Beyond, the list is read anew. */
const PENDING_MAX = 2_000;
const SHOWN_MAX = 10_000;

export class Board {
  /** Keys of the groups that are shown, in their order. */
  order = $state.raw<readonly string[]>([]);
  readonly groups = new SvelteMap<string, DetectionGroup>();
  /** Groups that have come since and are not shown yet, so many at most. */
  pending = $state.raw<ReadonlyMap<string, DetectionGroup>>(new Map());
  /** More have come than are kept in `pending`. */
  isPendingCut = $state(false);
  /** Nothing has been read yet. */
  isEmptyHanded = $state(true);
  problem = $state.raw<Problem | undefined>();
  isReadingMore = $state(false);
  moreProblem = $state.raw<Problem | undefined>();
  /** The watch stands. */
  isLive = $state(false);

  #nextPage = $state('');
  /** Where the pages that were read end. */
  #lastPaged: DetectionGroup | undefined;
  /** A page goes on with the filter of the page before, to the letter. */
  #paged: DetectionFilter;
  readonly #filter: AlertFilter;
  readonly #stop = new AbortController();
  #queue: Detection[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ends: (() => void)[] = [];
  #first: Promise<void> | undefined;
  #freshening: Promise<void> | undefined;
  /** Rises with what makes an answer that was asked for before it wrong. */
  #version = 0;
  /** What has come during each read that is on its way, by group: the answer may be without it. */
  readonly #came = new Set<Map<string, Detection[]>>();
  readonly #onLive: (key: string, detection: Detection) => void;

  /** `onLive` hears of what has come for a group that is shown. */
  constructor(filter: AlertFilter, onLive: (key: string, detection: Detection) => void = () => {}) {
    this.#onLive = onLive;
    this.#filter = filter;
    this.#paged = detectionFilter(filter, Date.now());
  }

  get hasMore(): boolean {
    return this.#nextPage !== '';
  }

  /** How many detections wait to be shown. */
  get pendingCount(): number {
    let count = 0;
    for (const group of this.pending.values())
      count += Number(group.openCount > 0n ? group.openCount : group.detectionCount);
    return count;
  }

  /** Reads and watches until `stop`. Ends when the first page is there, or cannot be had. */
  async start(): Promise<void> {
    let established = Promise.resolve();
    if (this.isWatching) {
      // A watch has no past: what it finds is new, so only the end of a span is asked of it, and everything comes open.
      const filter = detectionFilter(
        { ...this.#filter, window: fixed(undefined, this.#filter.window.until) },
        Date.now(),
      );
      delete filter.unacknowledged;
      established = new Promise((resolve) => {
        const watch = watchDetections(filter, {
          detection: (detection) => this.#take(detection),
          established: (again) => {
            this.isLive = true;
            if (again) void this.freshen();
            else resolve();
          },
          interrupted: () => (this.isLive = false),
        });
        this.#ends.push(watch);
      });
    }
    this.#ends.push(everySeconds(FRESHEN_SECONDS, () => void this.freshen()));
    const first = this.#readFirst();
    // What came between the list and the watch is in neither. Where there is no list, it stays with its reason.
    if (this.isWatching)
      void Promise.all([first, established]).then(() => (this.isEmptyHanded ? undefined : this.freshen()));
    await first;
  }

  /** Whether new ones can match at all. */
  get isWatching(): boolean {
    const { state, window } = this.#filter;
    return state !== 'acknowledged' && (window.until === undefined || window.until > Date.now());
  }

  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
  }

  /** Tries again after a failure. */
  retry(): void {
    this.problem = undefined;
    if (this.isEmptyHanded) void this.#readFirst();
    else void this.readMore();
  }

  /** Reads the first page; side by side only once. */
  #readFirst(): Promise<void> {
    return (this.#first ??= this.#readFirstNow().finally(() => (this.#first = undefined)));
  }

  async #readFirstNow(): Promise<void> {
    try {
      for (;;) {
        const version = this.#version;
        const filter = detectionFilter(this.#filter, Date.now());
        const before = this.pending;
        const page = await this.#read(filter, '', FIRST_PAGE);
        if (version !== this.#version) continue;
        this.#version += 1;
        this.order = page.groups.map(keyOf);
        const shown = new Set(this.order);
        for (const key of [...this.groups.keys()]) if (!shown.has(key)) this.groups.delete(key);
        for (const [index, group] of page.groups.entries()) this.groups.set(this.order[index]!, group);
        this.pending = new Map(
          [...this.pending].filter(([key, group]) => !shown.has(key) && before.get(key) !== group),
        );
        this.isPendingCut = false;
        this.#paged = filter;
        this.#nextPage = page.nextPageToken;
        this.#lastPaged = page.groups.at(-1);
        this.isEmptyHanded = false;
        this.problem = undefined;
        return;
      }
    } catch (error) {
      if (this.#stop.signal.aborted || isAbort(error)) return;
      if (this.isEmptyHanded) this.problem = problemOf(error);
      else toasts.show({ message: `The new ones could not be read: ${problemOf(error).reason}`, isError: true });
    }
  }

  async readMore(): Promise<void> {
    if (this.isReadingMore || this.#nextPage === '' || this.#stop.signal.aborted) return;
    this.isReadingMore = true;
    this.moreProblem = undefined;
    const paged = this.#paged;
    try {
      const page = await this.#read(paged, this.#nextPage, LATER_PAGES);
      if (paged !== this.#paged) return;
      const added: string[] = [];
      for (const group of page.groups) {
        const key = keyOf(group);
        if (this.groups.has(key) || this.pending.has(key)) continue;
        this.groups.set(key, group);
        added.push(key);
      }
      this.#nextPage = page.nextPageToken;
      this.#lastPaged = page.groups.at(-1) ?? this.#lastPaged;
      this.order = [...this.order, ...added];
    } catch (error) {
      if (!this.#stop.signal.aborted && !isAbort(error)) this.moreProblem = problemOf(error);
    } finally {
      this.isReadingMore = false;
    }
  }

  /** Reads from the front again, down to what was there before: changes what is shown in place, and keeps what is new for later. */
  freshen(): Promise<void> {
    if (this.isEmptyHanded) return this.#readFirst();
    if (!connection.online) return Promise.resolve();
    this.#version += 1;
    return (this.#freshening ??= this.#freshenNow().finally(() => (this.#freshening = undefined)));
  }

  async #freshenNow(): Promise<void> {
    try {
      while (!(await this.#freshenOnce()));
      this.#showIfNothingIsShown();
    } catch {
      // The banner says so, and the next time it may work.
    }
  }

  /** Answers whether nothing was done meanwhile that the answers do not know. */
  async #freshenOnce(): Promise<boolean> {
    const version = this.#version;
    const newest = [...this.pending.values(), ...this.#firstShown()]
      .map((group) => group.lastSeenTime)
      .toSorted(compareTimes)
      .at(-1);
    const filter = detectionFilter(this.#filter, Date.now());
    let pageToken = '';
    for (let pages = 0; pages < FRESHEN_PAGES_MAX; pages += 1) {
      const page = await this.#read(filter, pageToken, FIRST_PAGE);
      if (version !== this.#version) return false;
      const pending = new Map(this.pending);
      for (const group of page.groups) {
        const key = keyOf(group);
        if (this.groups.has(key)) this.groups.set(key, group);
        else if (pending.has(key) || !this.#isToBePaged(group)) this.#keep(pending, key, group);
      }
      this.pending = pending;
      pageToken = page.nextPageToken;
      if (pageToken === '' || compareTimes(page.groups.at(-1)?.lastSeenTime, newest) <= 0) return true;
    }
    this.isPendingCut = true;
    return true;
  }

  /** Whether a group is not new but further down, where the next pages are. */
  #isToBePaged(group: DetectionGroup): boolean {
    return this.hasMore && this.#lastPaged !== undefined && compareGroups(group, this.#lastPaged) > 0;
  }

  #keep(pending: Map<string, DetectionGroup>, key: string, group: DetectionGroup): void {
    if (pending.has(key) || pending.size < PENDING_MAX) pending.set(key, group);
    else this.isPendingCut = true;
  }

  #firstShown(): DetectionGroup[] {
    return this.order.slice(0, FIRST_PAGE).flatMap((key) => this.groups.get(key) ?? []);
  }

  /** A page, with what has come while it was on its way. */
  async #read(filter: DetectionFilter, pageToken: string, pageSize: number) {
    const request = create(ListDetectionsRequestSchema, { filter, pageSize, pageToken, collapse: true });
    const came = new Map<string, Detection[]>();
    this.#came.add(came);
    try {
      const { signal } = this.#stop;
      const { groups, nextPageToken } = await retrying(() => detections.listDetections(request, { signal }), signal);
      return {
        groups: groups.map((group) => (came.get(keyOf(group)) ?? []).reduce(withDetection, group)),
        nextPageToken,
      };
    } finally {
      this.#came.delete(came);
    }
  }

  #take(detection: Detection): void {
    this.#queue.push(detection);
    this.#timer ??= setTimeout(() => this.#takeIn(), TAKE_IN_MS);
  }

  #takeIn(): void {
    this.#timer = undefined;
    const queue = this.#queue.toSorted(compareDetections);
    this.#queue = [];
    for (const came of this.#came) {
      for (const detection of queue) {
        const key = keyOfDetection(detection);
        const some = came.get(key);
        if (some === undefined) came.set(key, [detection]);
        else some.push(detection);
      }
    }
    if (this.isEmptyHanded) {
      // The list that is on its way has them, or the next one will.
      return;
    }
    const pending = new Map(this.pending);
    for (const detection of queue) {
      const key = keyOfDetection(detection);
      const shown = this.groups.get(key);
      if (shown !== undefined) {
        this.groups.set(key, withDetection(shown, detection));
        this.#onLive(key, detection);
      } else {
        const waiting = pending.get(key);
        this.#keep(pending, key, waiting === undefined ? groupOf(detection) : withDetection(waiting, detection));
      }
    }
    this.pending = pending;
    this.#showIfNothingIsShown();
  }

  /** Puts what has come where it belongs. */
  showPending(): void {
    if (this.isPendingCut || this.order.length + this.pending.size > SHOWN_MAX) return void this.#readFirst();
    for (const [key, group] of this.pending) this.groups.set(key, group);
    const keys = [...this.pending.keys(), ...this.order.filter((key) => !this.pending.has(key))];
    this.pending = new Map();
    this.order = keys.toSorted((a, b) => compareGroups(this.groups.get(a)!, this.groups.get(b)!));
  }

  #showIfNothingIsShown(): void {
    if (this.order.length > 0) return;
    if (this.pending.size > 0) this.showPending();
    else void this.readMore();
  }

  /** Takes groups away that no longer match; returns what brings them back to their places. */
  remove(keys: ReadonlySet<string>): () => void {
    this.#version += 1;
    const removed = new Map<string, DetectionGroup>();
    for (const key of keys) {
      const group = this.groups.get(key);
      if (group !== undefined) removed.set(key, group);
    }
    this.order = this.order.filter((key) => !removed.has(key));
    for (const key of removed.keys()) this.groups.delete(key);
    this.#showIfNothingIsShown();
    return () => {
      this.#version += 1;
      for (const [key, group] of removed) this.groups.set(key, group);
      const pending = new Map(this.pending);
      for (const key of removed.keys()) pending.delete(key);
      this.pending = pending;
      const keys = new Set([...this.order, ...removed.keys()]);
      this.order = [...keys].toSorted((a, b) => compareGroups(this.groups.get(a)!, this.groups.get(b)!));
    };
  }

  /** Changes a group in place. */
  change(key: string, change: (group: DetectionGroup) => DetectionGroup): void {
    this.#version += 1;
    const group = this.groups.get(key);
    if (group !== undefined) this.groups.set(key, change(group));
  }
}

// Groups that are open: their occurrences, page by page.
import { create } from '@bufbuild/protobuf';
import { SvelteMap } from 'svelte/reactivity';
import { ListDetectionsRequestSchema, type Detection, type DetectionGroup } from '$gen/turnstone/v1/detection_pb';
import { detections, problemOf, retrying } from '$lib/api';
import { filterOf } from './actions';
import { compareTimes, keyOf } from './groups';
import type { Opened } from './rows';

const PAGE = 50;

export class OpenGroups {
  readonly byKey = new SvelteMap<string, Opened>();
  readonly #nextPages = new Map<string, string>();
  /** Each opening has its own: an answer that was asked for before is none of the next one. */
  readonly #openings = new Map<string, AbortController>();

  stop(): void {
    for (const opening of this.#openings.values()) opening.abort();
  }

  toggle(group: DetectionGroup): void {
    const key = keyOf(group);
    if (this.byKey.has(key)) this.close(key);
    else this.open(group);
  }

  open(group: DetectionGroup): void {
    const key = keyOf(group);
    if (this.byKey.has(key)) return;
    this.#openings.set(key, new AbortController());
    this.byKey.set(key, { occurrences: [], isReading: false, hasMore: true, problem: undefined, explained: new Set() });
    void this.readMore(group);
  }

  close(key: string): void {
    this.#openings.get(key)?.abort();
    this.#openings.delete(key);
    this.byKey.delete(key);
    this.#nextPages.delete(key);
  }

  async readMore(group: DetectionGroup): Promise<void> {
    const key = keyOf(group);
    const before = this.byKey.get(key);
    const signal = this.#openings.get(key)?.signal;
    if (before === undefined || signal === undefined || before.isReading || !before.hasMore) return;
    this.byKey.set(key, { ...before, isReading: true, problem: undefined });
    try {
      const request = create(ListDetectionsRequestSchema, {
        filter: filterOf(group),
        pageSize: PAGE,
        pageToken: this.#nextPages.get(key) ?? '',
      });
      const page = await retrying(() => detections.listDetections(request, { signal }), signal);
      const open = this.byKey.get(key);
      if (open === undefined || signal.aborted) return;
      this.#nextPages.set(key, page.nextPageToken);
      const known = new Set(open.occurrences.map(({ id }) => id));
      // A tenant and the shared one may have the same message in sources of the same name.
      const added = page.detections.filter(({ id, tenantId }) => tenantId === group.tenantId && !known.has(id));
      this.byKey.set(key, {
        ...open,
        occurrences: [...open.occurrences, ...added],
        isReading: false,
        hasMore: page.nextPageToken !== '',
      });
    } catch (error) {
      const open = this.byKey.get(key);
      if (open === undefined || signal.aborted) return;
      this.byKey.set(key, { ...open, isReading: false, problem: problemOf(error) });
    }
  }

  /** Reads an open group anew, after something has changed it. */
  refresh(group: DetectionGroup): void {
    const key = keyOf(group);
    const open = this.byKey.get(key);
    if (open === undefined) return;
    const explained = open.explained;
    this.close(key);
    this.open(group);
    this.byKey.set(key, { ...this.byKey.get(key)!, explained });
  }

  /** Puts a detection that has just come on top. */
  add(key: string, detection: Detection): void {
    const open = this.byKey.get(key);
    if (open === undefined || open.occurrences.some(({ id }) => id === detection.id)) return;
    const occurrences = [detection, ...open.occurrences].toSorted((a, b) => compareTimes(b.detectedAt, a.detectedAt));
    this.byKey.set(key, { ...open, occurrences });
  }

  explain(key: string, id: string, isShown?: boolean): void {
    const open = this.byKey.get(key);
    if (open === undefined) return;
    const explained = new Set(open.explained);
    if (isShown ?? !explained.has(id)) explained.add(id);
    else explained.delete(id);
    this.byKey.set(key, { ...open, explained });
  }
}

// What one has in hand: the list that is shown, what is open, selected and active in it, and what one does to that.
import { untrack } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import { Verdict, type Detection, type DetectionGroup } from '$gen/turnstone/v1/detection_pb';
import { problemOf } from '$lib/api';
import { toasts } from '$lib/components/toasts.svelte';
import { timestampOf } from '$lib/time/format';
import { acknowledge, reopen, type Target } from './actions';
import { Board } from './board.svelte';
import { detectionFilter, type AlertFilter } from './filter';
import { keyOf } from './groups';
import { OpenGroups } from './opened.svelte';
import { Rows } from './rows';

/** In or out of a set, the other way round. */
export function flip(set: SvelteSet<string>, key: string): void {
  if (!set.delete(key)) set.add(key);
}

export class Desk {
  board = $state.raw() as Board;
  open = $state.raw(new OpenGroups());
  /** Another list is on its way; the one that is there stays until then. */
  isChanging = $state(false);
  /** Rises to read everything anew. */
  epoch = $state(0);
  readonly selected = new SvelteSet<string>();
  /** Groups whose explanation, or whose label's, is shown. */
  readonly explained = new SvelteSet<string>();
  readonly labelsExplained = new SvelteSet<string>();
  /** The group that has the focus, or had it last. */
  activeKey = $state<string | undefined>();
  readonly #rows = new Rows();
  rows = $derived.by(() => this.#rows.of(this.board.order, this.open.byKey));
  selectedGroups = $derived.by(() => [...this.selected].flatMap((key) => this.board.groups.get(key) ?? []));

  #filter: AlertFilter;
  #lastSelected: string | undefined;
  /** How what left the list comes back. */
  readonly #restores = new Map<Target, () => void>();
  readonly #onleave: (keys: ReadonlySet<string>) => void;

  /** `onleave` hears of groups before they leave the list. */
  constructor(filter: AlertFilter, onleave: (keys: ReadonlySet<string>) => void) {
    this.#filter = filter;
    this.board = new Board(filter);
    this.#onleave = onleave;
  }

  /** Shows another list as soon as that is there; answers what ends it. */
  show(filter: AlertFilter): () => void {
    this.#filter = filter;
    const open = new OpenGroups();
    const board = new Board(filter, (key, detection) => open.add(key, detection));
    let isCurrent = true;
    const take = () => {
      if (!isCurrent) return;
      this.isChanging = false;
      if (this.board === board) return;
      this.board = board;
      this.open = open;
      for (const set of [this.selected, this.explained, this.labelsExplained]) set.clear();
      this.activeKey = undefined;
    };
    untrack(() => {
      if (this.board.isEmptyHanded) take();
      else this.isChanging = true;
      void board.start().then(take);
    });
    return () => {
      isCurrent = false;
      board.stop();
      open.stop();
    };
  }

  get active(): DetectionGroup | undefined {
    return this.activeKey === undefined ? undefined : this.board.groups.get(this.activeKey);
  }

  // ---- selecting

  select(key: string, isRange: boolean): void {
    const { order } = this.board;
    if (isRange && this.#lastSelected !== undefined) {
      const [from, to] = [order.indexOf(this.#lastSelected), order.indexOf(key)].sort((a, b) => a - b);
      if (from! >= 0) for (const between of order.slice(from, to! + 1)) this.selected.add(between);
    } else flip(this.selected, key);
    this.#lastSelected = key;
  }

  selectAll(): void {
    for (const key of this.board.order) this.selected.add(key);
  }

  // ---- opening

  /** Opens or closes a group; answers whether it is open now. */
  toggle(key: string): boolean {
    const group = this.board.groups.get(key);
    if (group === undefined) return false;
    this.explained.delete(key);
    this.labelsExplained.delete(key);
    this.open.toggle(group);
    this.activeKey = key;
    return this.open.byKey.has(key);
  }

  /** Opens a group with its explanation, or takes that away. */
  explain(key: string): void {
    const group = this.board.groups.get(key);
    if (group === undefined) return;
    if (this.open.byKey.has(key)) flip(this.explained, key);
    else this.explained.add(key);
    this.open.open(group);
  }

  // ---- acknowledging

  /** After something was acknowledged: what no longer belongs here goes. */
  done(what: Target): void {
    if (what.kind === 'filter') {
      this.selected.clear();
      this.epoch += 1;
    } else if (what.kind === 'detections') {
      this.#changeOpenCounts(what.detections, -1n);
    } else {
      const keys = new Set(what.groups.map(keyOf));
      this.#onleave(keys);
      for (const key of keys) this.selected.delete(key);
      if (this.#filter.state === 'open') {
        this.#restores.set(what, this.board.remove(keys));
        for (const key of keys) this.open.close(key);
      } else for (const group of what.groups) this.open.refresh(group);
      // What came for them on the way was not meant, and is still open.
      void this.board.freshen();
    }
  }

  /** After that was taken back. */
  undone(what: Target): void {
    if (what.kind === 'filter') {
      this.epoch += 1;
      return;
    }
    this.#restores.get(what)?.();
    this.#restores.delete(what);
    if (what.kind === 'detections') this.#changeOpenCounts(what.detections, 1n);
    void this.board.freshen();
  }

  async acknowledgeNow(what: Target): Promise<void> {
    try {
      await acknowledge(what, { verdict: Verdict.UNSPECIFIED, notes: '', by: '' }, () => this.undone(what));
      this.done(what);
    } catch (error) {
      toasts.show({ message: `Not acknowledged: ${problemOf(error).reason}`, isError: true });
    }
  }

  /** Opens a group, or some of its detections, again. */
  async openAgain(group: DetectionGroup, some?: readonly Detection[]): Promise<void> {
    try {
      await reopen(some ?? group);
      const key = keyOf(group);
      if (this.#filter.state === 'acknowledged' && some === undefined) this.board.remove(new Set([key]));
      else this.#changeOpenCount(key, some === undefined ? group.detectionCount : BigInt(some.length));
      void this.board.freshen();
    } catch (error) {
      toasts.show({ message: `Not opened again: ${problemOf(error).reason}`, isError: true });
    }
  }

  /** All that match now; what comes after this is not among them. */
  matching(): Target {
    const now = Date.now();
    const filter = detectionFilter({ ...this.#filter, state: 'open', isSuppressed: false }, now);
    filter.detectedUntil ??= timestampOf(now);
    return { kind: 'filter', filter };
  }

  #changeOpenCounts(detections: readonly Detection[], by: bigint): void {
    const counts = new Map<string, bigint>();
    for (const { id } of detections) {
      for (const [key, { occurrences }] of this.open.byKey)
        if (occurrences.some((occurrence) => occurrence.id === id)) counts.set(key, (counts.get(key) ?? 0n) + by);
    }
    for (const [key, count] of counts) this.#changeOpenCount(key, count);
  }

  #changeOpenCount(key: string, by: bigint): void {
    this.board.change(key, (group) => {
      const openCount = group.openCount + by;
      return { ...group, openCount: openCount < 0n ? 0n : openCount };
    });
    const group = this.board.groups.get(key);
    if (group !== undefined) this.open.refresh(group);
  }
}

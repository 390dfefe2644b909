// The line that is open, as it stands in the URL: which one, what of it is shown, and how much around it. Pure.
import type { IconName } from '$lib/components/Icon.svelte';
import type { Query } from '$lib/router/location';
import { AROUND_DEFAULT, aroundName, firstExtent, moreAfter, moreBefore, parseAround, parseExtent } from './around';
import type { Around, Extent } from './around';

/** All parts of the URL that are about the open line. */
export const LINE_KEYS = ['entry', 'view', 'around', 'before', 'after'] as const;

export const VIEWS = [
  { name: 'context', title: 'Context', icon: 'layers' },
  { name: 'explanation', title: 'Explanation', icon: 'sparkle' },
  { name: 'label', title: 'Why this label', icon: 'target' },
] as const satisfies readonly { name: string; title: string; icon: IconName }[];
export type View = (typeof VIEWS)[number]['name'];

/** What is not understood is the first view. */
export function viewOf(query: Query): View {
  return VIEWS.find(({ name }) => name === query['view'])?.name ?? 'context';
}

export function viewQuery(view: View): { view: string } {
  return { view: view === 'context' ? '' : view };
}

export interface Surroundings {
  readonly around: Around;
  readonly extent: Extent;
}

export function surroundingsOf(query: Query): Surroundings {
  const around = parseAround(query['around']);
  return { around, extent: parseExtent(around, query['before'], query['after']) };
}

/** A new choice forgets what was added on either side. */
export function aroundQuery(around: Around): { around: string; before: string; after: string } {
  const name = aroundName(around);
  return { around: name === aroundName(AROUND_DEFAULT) ? '' : name, before: '', after: '' };
}

/** More lines on one side. */
export function moreQuery({ around, extent }: Surroundings, side: 'before' | 'after'): Record<string, string> {
  const more = side === 'before' ? moreBefore(extent) : moreAfter(extent);
  return { [side]: more[side] === firstExtent(around)[side] ? '' : String(more[side]) };
}

/** The query of a link to the line alone, as it is shown, without the search that found it. */
export function permalinkQuery(entryId: string, query: Query): Record<string, string | undefined> {
  return { ...Object.fromEntries([...LINE_KEYS, 'tenant'].map((key) => [key, query[key]])), entry: entryId };
}

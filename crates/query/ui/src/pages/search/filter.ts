// What is searched for: as it stands in the URL, and as the server takes it. Pure.
import { create } from '@bufbuild/protobuf';
import type { Severity } from '$gen/turnstone/v1/detection_pb';
import { SearchEntriesRequestSchema, SearchOrder, type SearchEntriesRequest } from '$gen/turnstone/v1/entry_pb';
import { severityLook, severityNamed } from '$lib/components/severity';
import type { Query } from '$lib/router/location';
import { timestampOf } from '$lib/time/format';
import { isUnset, spanOf, windowOf, windowQuery, type TimeWindow } from '$lib/time/window';

/** Empty strings, UNSPECIFIED and undefined do not filter. */
export interface SearchFilter {
  /** Full-text query. */
  readonly text: string;
  readonly source: string;
  readonly severity: Severity;
  readonly label: string;
  /** 0 to 1. */
  readonly scoreMin: number | undefined;
  readonly scoreMax: number | undefined;
  readonly window: TimeWindow;
  readonly isByRelevance: boolean;
}

export const PAGE_ROWS = 100;

/** Reads the query of the address. What is not understood does not filter. */
export function parseFilter(query: Query): SearchFilter {
  return {
    text: query['q'] ?? '',
    source: query['source'] ?? '',
    severity: severityNamed(query['severity']),
    label: query['label'] ?? '',
    scoreMin: score(query['min']),
    scoreMax: score(query['max']),
    window: windowOf(query),
    isByRelevance: query['order'] === 'relevance',
  };
}

function score(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return value >= 0 && value <= 1 ? value : undefined;
}

/** The parts of the URL that say this, all of them, so that the old ones go. */
export function filterQuery(filter: SearchFilter): Record<string, string> {
  const number = (value: number | undefined) => (value === undefined ? '' : String(value));
  return {
    q: filter.text,
    source: filter.source,
    severity: severityLook(filter.severity).name,
    label: filter.label,
    min: number(filter.scoreMin),
    max: number(filter.scoreMax),
    ...windowQuery(filter.window),
    order: filter.isByRelevance ? 'relevance' : '',
  };
}

/** Everything but the text and the order. */
export function withoutFilters({ text, isByRelevance }: SearchFilter): SearchFilter {
  return { ...parseFilter({}), text, isByRelevance };
}

/** How many filters are set, the text aside. */
export function countFilters(filter: SearchFilter): number {
  return [
    filter.source !== '',
    filter.severity !== 0,
    filter.label !== '',
    filter.scoreMin !== undefined || filter.scoreMax !== undefined,
    !isUnset(filter.window),
  ].filter(Boolean).length;
}

/** As the server takes it, at the moment `now`. */
export function searchRequest(filter: SearchFilter, now: number): SearchEntriesRequest {
  const { from, until } = spanOf(filter.window, now);
  const text = filter.text.trim();
  return create(SearchEntriesRequestSchema, {
    pageSize: PAGE_ROWS,
    query: text,
    sourceId: filter.source,
    severity: filter.severity,
    anomalyLabel: filter.label,
    ...(filter.scoreMin !== undefined && { anomalyScoreMin: filter.scoreMin }),
    ...(filter.scoreMax !== undefined && { anomalyScoreMax: filter.scoreMax }),
    ...(from !== undefined && { timeFrom: timestampOf(from) }),
    ...(until !== undefined && { timeUntil: timestampOf(until) }),
    // Without words nothing is more relevant than anything else.
    order: filter.isByRelevance && text !== '' ? SearchOrder.RELEVANCE : SearchOrder.NEWEST,
  });
}

/** Percent as people type it, as a score; undefined where the field is empty. */
export function scoreOfPercent(percent: number | null | undefined): number | undefined {
  if (percent === null || percent === undefined || Number.isNaN(percent)) return undefined;
  return Math.min(1, Math.max(0, Math.round(percent * 100) / 10_000));
}

export function percentOfScore(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 10_000) / 100;
}

export function scoreText(min: number | undefined, max: number | undefined): string {
  if (min === undefined && max === undefined) return 'Any score';
  const number = (value: number) => `${percentOfScore(value)} %`;
  if (max === undefined) return `Score from ${number(min ?? 0)}`;
  return min === undefined ? `Score up to ${number(max)}` : `Score ${percentOfScore(min)} – ${number(max)}`;
}

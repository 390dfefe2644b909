// The filter of the page: as it stands in the URL, and as the server takes it. Pure.
import { create } from '@bufbuild/protobuf';
import { DetectionFilterSchema, Severity, Verdict, type DetectionFilter } from '$gen/turnstone/v1/detection_pb';
import { severityNamed } from '$lib/components/severity';
import type { Query } from '$lib/router/location';
import { timestampOf } from '$lib/time/format';
import { isUnset, spanOf, windowOf, type TimeWindow } from '$lib/time/window';

export type State = 'open' | 'acknowledged' | 'all';

/** Empty strings do not filter. */
export interface AlertFilter {
  state: State;
  /** Full-text query. */
  text: string;
  severity: Severity;
  label: string;
  source: string;
  scorer: string;
  verdict: Verdict;
  /** When it was detected. */
  window: TimeWindow;
  /** What a suppression acknowledged as it came. */
  isSuppressed: boolean;
}

export const VERDICTS: readonly { verdict: Verdict; name: string; label: string; hint: string }[] = [
  { verdict: Verdict.TRUE_POSITIVE, name: 'true', label: 'True positive', hint: 'The label is right, and it matters.' },
  { verdict: Verdict.FALSE_POSITIVE, name: 'false', label: 'False positive', hint: 'The label is wrong.' },
  {
    verdict: Verdict.EXPECTED,
    name: 'expected',
    label: 'Expected',
    hint: 'The label is right, but nobody needs to be told.',
  },
];

export function verdictLabel(verdict: Verdict): string {
  return VERDICTS.find((known) => known.verdict === verdict)?.label ?? '';
}

/** Reads the query of the address. What is not understood does not filter. */
export function parseFilter(query: Query): AlertFilter {
  const state = query['state'];
  return {
    state: state === 'acknowledged' || state === 'all' ? state : 'open',
    text: query['q'] ?? '',
    severity: severityNamed(query['severity']),
    label: query['label'] ?? '',
    source: query['source'] ?? '',
    scorer: query['scorer'] ?? '',
    verdict: VERDICTS.find(({ name }) => name === query['verdict'])?.verdict ?? Verdict.UNSPECIFIED,
    window: windowOf(query),
    isSuppressed: query['suppressed'] === 'yes',
  };
}

/** How many filters are set, the state and the text aside. */
export function countFilters(filter: AlertFilter): number {
  const set = [
    filter.severity !== Severity.UNSPECIFIED,
    filter.label !== '',
    filter.source !== '',
    filter.scorer !== '',
    filter.verdict !== Verdict.UNSPECIFIED,
    !isUnset(filter.window),
    filter.isSuppressed,
  ];
  return set.filter(Boolean).length;
}

/** The query parts that this page owns, all unset. */
export const NO_FILTER: Readonly<Record<string, undefined>> = Object.fromEntries(
  ['q', 'severity', 'label', 'source', 'scorer', 'verdict', 'since', 'from', 'until', 'suppressed'].map((key) => [
    key,
    undefined,
  ]),
);

/** As the server takes it, at the moment `now`. */
export function detectionFilter(filter: AlertFilter, now: number): DetectionFilter {
  const { from, until } = spanOf(filter.window, now);
  return create(DetectionFilterSchema, {
    ...(filter.state !== 'all' && !filter.isSuppressed && { unacknowledged: filter.state === 'open' }),
    text: filter.text.trim(),
    severity: filter.severity,
    anomalyLabel: filter.label,
    sourceId: filter.source,
    scorer: filter.scorer,
    verdict: filter.verdict,
    ...(from !== undefined && { detectedFrom: timestampOf(from) }),
    ...(until !== undefined && { detectedUntil: timestampOf(until) }),
    // Suppressed ones come acknowledged: asked for openly they are there, else they are out of the way.
    suppressed: filter.isSuppressed,
  });
}

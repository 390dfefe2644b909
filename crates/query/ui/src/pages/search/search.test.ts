import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { Severity } from '$gen/turnstone/v1/detection_pb';
import {
  EntrySchema,
  SearchEntriesResponseSchema,
  SearchOrder,
  type SearchEntriesRequest,
  type SearchEntriesResponse,
} from '$gen/turnstone/v1/entry_pb';
import { formatQuery, parseQuery } from '$lib/router/location';
import { timestampOf } from '$lib/time/format';
import {
  AROUND_DEFAULT,
  aroundChoices,
  aroundLabel,
  aroundName,
  contextRequest,
  firstExtent,
  moreAfter,
  moreBefore,
  parseAround,
  parseExtent,
} from './around';
import { daysOf } from './days';
import {
  countFilters,
  filterQuery,
  parseFilter,
  percentOfScore,
  scoreOfPercent,
  scoreText,
  searchRequest,
  withoutFilters,
} from './filter';
import { aroundQuery, moreQuery, permalinkQuery, surroundingsOf, viewOf, viewQuery } from './line-address';
import { Results } from './results.svelte';
import { snippet } from './snippet';

const NOW = Date.parse('2026-11-22T12:00:00Z');

describe('a search in the URL', () => {
  const full = parseQuery(
    '?q=%22connection+reset%22+-test&source=a%2Cb+c&severity=error&label=NETWORK_ANOMALY&min=0.5&max=0.975&since=6h&order=relevance&entry=e1',
  );

  it('comes back as it was', () => {
    const filter = parseFilter(full);
    expect(filter).toMatchObject({ text: '"connection reset" -test', source: 'a,b c', severity: Severity.ERROR });
    expect(parseFilter(parseQuery(formatQuery(filterQuery(filter))))).toEqual(filter);
    expect(countFilters(filter)).toBe(5);
    expect(formatQuery(filterQuery(parseFilter({})))).toBe('');
  });

  it('does not filter by what is not understood', () => {
    expect(parseFilter({ severity: 'bad', min: 'x', max: '7', since: 'soon', order: 'best' })).toEqual(parseFilter({}));
    expect(parseFilter({ min: ' ', max: '-1' }).scoreMin).toBeUndefined();
  });

  it('becomes a request', () => {
    const request = searchRequest(parseFilter(full), NOW);
    expect(request).toMatchObject({
      query: '"connection reset" -test',
      anomalyScoreMin: 0.5,
      anomalyScoreMax: 0.975,
      order: SearchOrder.RELEVANCE,
      timeFrom: timestampOf(NOW - 6 * 3_600_000),
    });
    expect(request.timeUntil).toBeUndefined();
    const plain = searchRequest(parseFilter({ q: '  ', order: 'relevance', min: '0' }), NOW);
    expect([plain.query, plain.order, plain.anomalyScoreMin, plain.anomalyScoreMax]).toEqual([
      '',
      SearchOrder.NEWEST,
      0,
      undefined,
    ]);
  });

  it('keeps its words when the filters go', () => {
    const cleared = withoutFilters(parseFilter(full));
    expect([cleared.text, cleared.isByRelevance, countFilters(cleared)]).toEqual(['"connection reset" -test', true, 0]);
  });

  it('has scores in percent', () => {
    expect([scoreOfPercent(97.5), scoreOfPercent(null), scoreOfPercent(300)]).toEqual([0.975, undefined, 1]);
    expect(percentOfScore(0.975)).toBe(97.5);
    expect([
      scoreText(undefined, undefined),
      scoreText(0.5, undefined),
      scoreText(undefined, 0.9),
      scoreText(0, 1),
    ]).toEqual(['Any score', 'Score from 50 %', 'Score up to 90 %', 'Score 0 – 100 %']);
  });
});

describe('what is shown around a line', () => {
  it('stands in the URL', () => {
    for (const name of ['5', '20', '5m', '120m', '33']) expect(aroundName(parseAround(name))).toBe(name);
    for (const name of [undefined, '', '0', 'm', '-5', '5h', '1e3']) expect(parseAround(name)).toEqual(AROUND_DEFAULT);
    expect([parseAround('99999'), parseAround('99999m')]).toEqual([{ lines: 1_000 }, { minutes: 1_440 }]);
    expect(aroundChoices({ lines: 33 }).map(aroundName)).toContain('33');
    expect([{ lines: 5 }, { minutes: 1 }, { minutes: 90 }, { minutes: 120 }].map(aroundLabel)).toEqual([
      '5 lines',
      '1 minute',
      '90 minutes',
      '2 hours',
    ]);
  });

  it('grows on one side up to what the server gives', () => {
    let extent = firstExtent({ lines: 20 });
    extent = moreBefore(extent);
    expect(extent).toEqual({ before: 70, after: 20 });
    for (let round = 0; round < 9; round += 1) extent = moreAfter(extent);
    expect(extent).toEqual({ before: 70, after: 1_000 });
  });

  it('stands in the URL with what was added on either side', () => {
    const query = { around: '5', before: '55', entry: 'e' };
    expect(surroundingsOf(query)).toEqual({ around: { lines: 5 }, extent: { before: 55, after: 5 } });
    expect(moreQuery(surroundingsOf({ around: '5' }), 'before')).toEqual({ before: '55' });
    expect(moreQuery(surroundingsOf(query), 'after')).toEqual({ after: '55' });
    expect(aroundQuery(AROUND_DEFAULT)).toEqual({ around: '', before: '', after: '' });
    for (const odd of ['', '3', 'x', '-9', '1e9'])
      expect(parseExtent({ lines: 5 }, odd, '9999')).toEqual({ before: 5, after: 1_000 });
    expect(parseExtent({ minutes: 5 }, '55', '55')).toEqual(firstExtent({ minutes: 5 }));
    expect(formatQuery(permalinkQuery('f', { ...query, q: 'x', tenant: 'acme', view: 'label' }))).toBe(
      '?around=5&before=55&entry=f&tenant=acme&view=label',
    );
    expect([viewOf({ view: 'label' }), viewOf({ view: 'odd' }), viewQuery('context')]).toEqual([
      'label',
      'context',
      { view: '' },
    ]);
  });

  it('stands under its days, which keep their names when lines are added', () => {
    const line = (id: string, ms: number) => create(EntrySchema, { id, timestamp: timestampOf(ms) });
    const lines = [line('a', NOW - 86_400_000), line('b', NOW), line('c', NOW + 1)];
    expect(daysOf(lines, 'UTC').map(({ day, lines: found }) => [day, found.map(({ id }) => id)])).toEqual([
      ['2026-11-21', ['a']],
      ['2026-11-22', ['b', 'c']],
    ]);
    expect(daysOf(lines, 'UTC')[1]?.key).toBe(daysOf(lines.slice(1), 'UTC')[0]?.key);
    const keys = daysOf([...lines, ...lines], 'UTC').map(({ key }) => key);
    expect(new Set(keys).size).toBe(4);
  });

  it('asks for lines at any time, or for a time', () => {
    const lines = contextRequest('e', { lines: 20 }, { before: 70, after: 20 });
    expect([lines.anyTime, lines.windowSeconds, lines.maxBefore, lines.maxAfter]).toEqual([true, 0, 70, 20]);
    const minutes = contextRequest('e', { minutes: 5 }, firstExtent({ minutes: 5 }));
    expect([minutes.anyTime, minutes.windowSeconds, minutes.maxBefore]).toEqual([false, 300, 1_000]);
  });
});

describe('the part of a line that a result shows', () => {
  const hit = (start: number, end: number) => ({ start, end, mark: 'hit' });

  it('is its beginning where the match is seen there', () => {
    expect(snippet('Failed password for root', [hit(0, 6)], 200)).toEqual({
      text: 'Failed password for root',
      ranges: [hit(0, 6)],
      isCutBefore: false,
    });
    expect(snippet('x'.repeat(500), [], 100).text.length).toBe(100);
  });

  it('begins shortly before a match that is far behind', () => {
    const text = `${'word '.repeat(200)}needle and more`;
    const at = text.indexOf('needle');
    const part = snippet(text, [hit(at, at + 6)], 100);
    expect(part.isCutBefore).toBe(true);
    expect(part.text.startsWith('word ')).toBe(true);
    expect(part.ranges.map(({ start, end }) => part.text.slice(start, end))).toEqual(['needle']);
  });

  it('cuts no character and no match in an odd place', () => {
    const text = `${'🙂'.repeat(200)}needle${'🙂'.repeat(200)}`;
    const at = text.indexOf('needle');
    const part = snippet(text, [hit(at, at + 6), hit(at + 700, at + 702)], 61);
    expect(part.text).not.toMatch(/\p{Cs}/u);
    expect(part.ranges.map(({ start, end }) => part.text.slice(start, end))).toEqual(['needle']);
    const long = snippet(`${' '.repeat(90)}${'n'.repeat(300)}`, [hit(90, 390)], 100);
    expect(long.ranges).toHaveLength(1);
    expect(long.ranges[0]!.end).toBeLessThanOrEqual(long.text.length);
  });
});

describe('results', () => {
  const page = (ids: string[], nextPageToken = '') =>
    create(SearchEntriesResponseSchema, {
      entries: ids.map((id) => ({ id, text: `ä ${id}` })),
      matches: ids.map(() => ({ highlights: [{ start: 3, end: 4 }] })),
      nextPageToken,
    });
  function scripted(...answers: (SearchEntriesResponse | Error)[]) {
    const asked: SearchEntriesRequest[] = [];
    const results = new Results(async (request) => {
      asked.push(request);
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Error) throw answer ?? new ConnectError('no more', Code.NotFound);
      return answer;
    });
    return { asked, results };
  }
  const request = searchRequest(parseFilter({ q: 'x' }), NOW);
  const ids = (results: Results) => results.found.map(({ entry }) => entry.id);

  it('come page after page, each line once', async () => {
    const { asked, results } = scripted(page(['a', 'b'], 't1'), page(['b', 'c']));
    await results.run(request);
    expect([ids(results), results.hasMore]).toEqual([['a', 'b'], true]);
    expect(results.found[0]?.ranges).toEqual([{ start: 2, end: 3, mark: 'hit' }]);
    await results.more();
    await results.more();
    expect([ids(results), results.hasMore]).toEqual([['a', 'b', 'c'], false]);
    expect(asked.map(({ pageToken }) => pageToken)).toEqual(['', 't1']);
  });

  it('stay when the next page fails, which is not asked for again by itself', async () => {
    const { asked, results } = scripted(page(['a'], 't1'), new ConnectError('gone', Code.NotFound), page(['b']));
    await results.run(request);
    await results.more();
    await results.more();
    expect([ids(results), results.problem?.reason, asked.length]).toEqual([['a'], 'Gone.', 2]);
    await results.retry();
    expect([ids(results), results.problem, asked.length]).toEqual([['a', 'b'], undefined, 3]);
  });

  it('stay until there are those of the next search', async () => {
    const { results } = scripted(page(['a'], 't'), page(['b']), new ConnectError('query: odd', Code.InvalidArgument));
    await results.run(request);
    const next = results.run(request);
    expect([ids(results), results.isFirst, results.hasMore]).toEqual([['a'], true, false]);
    await next;
    expect([ids(results), results.isFirst]).toEqual([['b'], false]);
    await results.run(request);
    expect([ids(results), results.isFirst, results.problem?.reason]).toEqual([[], true, 'Query: odd.']);
  });

  it('of an older search are dropped, however late they come', async () => {
    const waiting: ((answer: SearchEntriesResponse) => void)[] = [];
    const results = new Results(() => new Promise((resolve) => waiting.push(resolve)));
    const first = results.run(request);
    const second = results.run(request);
    waiting[1]!(page(['new']));
    waiting[0]!(page(['old'], 't'));
    await Promise.all([first, second]);
    expect([ids(results), results.hasMore, results.isReading]).toEqual([['new'], false, false]);
  });
});

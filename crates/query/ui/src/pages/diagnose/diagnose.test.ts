import { readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { SourceSchema } from '$gen/turnstone/v1/stats_pb';
import { formatQuery, parseQuery, type Query } from '$lib/router/location';
import { timestampOf } from '$lib/time/format';
import { fixed } from '$lib/time/window';
import {
  DEFAULT_QUESTION,
  diagnoseRequest,
  newestLine,
  parseQuestion,
  questionQuery,
  spanAsked,
  type Question,
} from './question';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;

describe('the default question', () => {
  it('has the words of the server', () => {
    const prompt = readFileSync(new URL('../../../../../explain/src/prompt/mod.rs', import.meta.url), 'utf8');
    const constant = /DEFAULT_DIAGNOSE_QUERY: &str = "([^"]+)"/.exec(prompt)?.[1]?.replace(/\\\n\s*/g, '');
    expect(DEFAULT_QUESTION).toBe(constant);
  });

  it('is sent as nothing and stands nowhere in the URL', () => {
    for (const query of [{}, { q: '  ' }, { q: DEFAULT_QUESTION }] as Query[]) {
      const question = parseQuestion(query);
      expect(question.text).toBe(DEFAULT_QUESTION);
      expect(diagnoseRequest(question, NOW).query).toBe('');
      expect(formatQuery(questionQuery(question))).toBe('');
    }
  });
});

describe('a question', () => {
  it('stands in the URL and comes back', () => {
    const question: Question = {
      text: 'Who failed to log in? & why',
      window: fixed(NOW - HOUR, NOW),
      sources: ['a b+c', 'odd%zz', 'orders', 'äpfel,birnen'],
    };
    expect(parseQuestion(parseQuery(formatQuery(questionQuery(question))))).toEqual(question);
    expect(questionQuery({ ...question, sources: ['b', 'a'] })['sources']).toBe('a b');
    expect(questionQuery({ ...question, window: { since: '1h' } })['since']).toBe('');
    expect(parseQuestion({ sources: '%zz' }).sources).toEqual(['%zz']);
  });

  it('is about the hour before now where nothing is said', () => {
    const { timeFrom, timeUntil, sourceIds } = diagnoseRequest(parseQuestion({}), NOW);
    expect([timeFrom, timeUntil, sourceIds]).toEqual([timestampOf(NOW - HOUR), timestampOf(NOW), []]);
    expect(spanAsked(parseQuestion({ since: '6h' }), NOW)).toEqual({ from: NOW - 6 * HOUR, until: NOW });
    expect(spanAsked(parseQuestion({ until: '2026-11-18T10:00:00Z' }), NOW)).toEqual({
      from: Date.parse('2026-11-18T09:00:00Z'),
      until: Date.parse('2026-11-18T10:00:00Z'),
    });
  });
});

describe('the newest line', () => {
  const source = (sourceId: string, ms?: number) =>
    create(SourceSchema, { sourceId, ...(ms !== undefined && { lastEntryTime: timestampOf(ms) }) });

  it('is that of the chosen sources', () => {
    const sources = [source('a', 1_000), source('b', 5_000), source('c')];
    expect(newestLine(sources, [])).toBe(5_000);
    expect(newestLine(sources, ['a', 'c'])).toBe(1_000);
    expect([newestLine(sources, ['c']), newestLine([], [])]).toEqual([undefined, undefined]);
  });
});

// What waits for a scorer: how old it is, and whether it shrinks. Pure.
import { age } from '$lib/time/format';
import type { Tone } from './health';

/** The backlog at one moment, in milliseconds since 1970. */
export interface Sample {
  at: number;
  unscored: number;
}

/** Samples of these last minutes tell where it goes. */
const SAMPLES_MS = 120_000;
const SPAN_MIN_MS = 15_000;
const OLD_MS = 5 * 60_000;
const TOO_OLD_MS = 30 * 60_000;

/** The samples with one more, without those that are too old to tell anything. */
export function sampled(samples: readonly Sample[], next: Sample): Sample[] {
  return [...samples.filter(({ at }) => at > next.at - SAMPLES_MS && at < next.at), next];
}

/** Lines a second by which it grows; negative where it shrinks. Undefined before there is enough to tell. */
export function growth(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples.at(0), samples.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < SPAN_MIN_MS) return undefined;
  return (last.unscored - first.unscored) / ((last.at - first.at) / 1_000);
}

export interface BacklogState {
  tone: Tone;
  /** What is to be said of it. */
  text: string;
}

export function backlogState(
  unscored: number,
  oldest: number | undefined,
  samples: readonly Sample[],
  now: number,
): BacklogState {
  if (unscored === 0) return { tone: 'good', text: 'Everything is scored' };
  const waited = oldest === undefined ? 0 : now - oldest;
  const tone: Tone = waited >= TOO_OLD_MS ? 'bad' : waited >= OLD_MS ? 'odd' : 'calm';
  const since = oldest === undefined ? '' : `oldest ${age(oldest, now)}`;
  const change = growth(samples);
  if (change !== undefined && change < 0) {
    const seconds = unscored / -change;
    return { tone, text: joined(since, `clear in about ${roughTime(seconds)}`) };
  }
  if (change !== undefined && waited >= OLD_MS)
    return { tone, text: joined(since, 'not shrinking: is a scorer running?') };
  return { tone, text: since };
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}

function roughTime(seconds: number): string {
  if (seconds < 60) return `${Math.max(5, Math.ceil(seconds / 5) * 5)} s`;
  if (seconds < 5_400) return `${Math.ceil(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.ceil(seconds / 3_600)} h` : `${Math.ceil(seconds / 86_400)} d`;
}

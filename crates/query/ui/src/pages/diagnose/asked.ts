// Questions of this page view: one asked is there when one comes back from a line that it named.
import { session } from '$lib/api';
import { diagnosis } from '$lib/explanation/kept';
import type { Explanation } from '$lib/explanation/explanation.svelte';
import { Recent } from '$lib/recent';
import { formatQuery } from '$lib/router/location';
import { diagnoseRequest, questionQuery, spanAsked, type Question } from './question';

export interface Asked {
  readonly explanation: Explanation;
  readonly question: Question;
  /** Milliseconds since 1970: what "the last hour" was. */
  readonly from: number;
  readonly until: number;
}

const kept = new Recent<Asked>(20, ({ explanation }) => explanation.stop());

function keyOf(question: Question): string {
  // What one tenant or token was shown is not another's.
  return `${session.generation} ${formatQuery(questionQuery(question))}`;
}

/** Whether two questions are one: about the same time and sources, in the same words. */
export function isSame(one: Question, other: Question): boolean {
  return keyOf(one) === keyOf(other);
}

export function askedBefore(question: Question): Asked | undefined {
  return kept.get(keyOf(question));
}

/** Asks, also where that has been done: time has passed. */
export function ask(question: Question, now: number): Asked {
  const key = keyOf(question);
  kept.get(key)?.explanation.stop();
  const asked = { explanation: diagnosis(diagnoseRequest(question, now)), question, ...spanAsked(question, now) };
  kept.set(key, asked);
  asked.explanation.start();
  return asked;
}

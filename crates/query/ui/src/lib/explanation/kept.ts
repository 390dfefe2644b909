// Explanations by entry: what was asked for once is never fetched again while the page is open.
import { create } from '@bufbuild/protobuf';
import {
  DiagnoseRequestSchema,
  ExplainEntryRequestSchema,
  type DiagnoseRequest,
} from '$gen/turnstone/v1/explanation_pb';
import { explanationsClient, noteFailure } from '$lib/api/clients';
import { session } from '$lib/api/session.svelte';
import { Recent } from '$lib/recent';
import { Explanation, type Open } from './explanation.svelte';
import { Turns } from './turns';

/** Explanations that are kept; the one longest not looked at goes first. */
const KEPT_MAX = 200;
/** Of the six connections that a browser opens to a server; the rest are for the watch, for reads and for what one does. */
const streams = new Turns(3);

export class KeptExplanations {
  readonly #kept = new Recent<Explanation>(KEPT_MAX, (unseen) => unseen.stop());
  readonly #make: (entryId: string) => Explanation;
  readonly #who: () => string;

  constructor(make: (entryId: string) => Explanation, who: () => string = () => '') {
    this.#make = make;
    this.#who = who;
  }

  /** That of an entry: the one that is there, or a new one that nobody has asked for yet. */
  of(entryId: string): Explanation {
    const key = `${this.#who()} ${entryId}`;
    const explanation = this.#kept.get(key) ?? this.#make(entryId);
    this.#kept.set(key, explanation);
    return explanation;
  }

  /** Stops that of an entry where it is not complete: nobody waits for it any more. */
  leave(entryId: string): void {
    this.#kept.get(`${this.#who()} ${entryId}`)?.stop();
  }
}

/** The explanations of this page. */
export const explanations = new KeptExplanations(
  (entryId) => {
    const open: Open = ({ resumeAfter, refresh }, signal) =>
      explanationsClient.explainEntry(create(ExplainEntryRequestSchema, { entryId, resumeAfter, refresh }), { signal });
    return new Explanation(open, { noteFailure, turn: (signal) => streams.take(signal) });
  },
  // What one tenant or token was shown is not another's.
  () => `${session.generation}`,
);

/** A question. Once words have come, an interruption ends it: only a person asks again. */
export function diagnosis(request: Omit<DiagnoseRequest, '$typeName' | '$unknown'>): Explanation {
  return new Explanation(
    (_ask, signal) => explanationsClient.diagnose(create(DiagnoseRequestSchema, request), { signal }),
    { noteFailure },
  );
}

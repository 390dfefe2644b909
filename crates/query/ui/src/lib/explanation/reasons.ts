// Why lines have their labels, asked for once each: the answer costs a scorer many runs of its model.
import type { LabelExplanation } from '$gen/turnstone/v1/explanation_pb';
import { explanationsClient, session } from '$lib/api';
import { Recent } from '$lib/recent';

const kept = new Recent<Promise<LabelExplanation>>(50);

/** Not repeated by itself: each try that nobody answers takes its time. */
export function labelReason(entryId: string): Promise<LabelExplanation> {
  // What one tenant or token was shown is not another's.
  const key = `${session.generation} ${entryId}`;
  const asked = kept.get(key) ?? explanationsClient.explainLabel({ entryId });
  kept.set(key, asked);
  asked.catch(() => kept.delete(key));
  return asked;
}

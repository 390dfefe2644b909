// The lines around a line, as they are read. What was read last stays while more of it is on its way, and when that fails.
import type { Entry } from '$gen/turnstone/v1/entry_pb';
import { entries, resource, type Resource } from '$lib/api';
import { contextRequest } from './around';
import type { Surroundings } from './line-address';

interface Wanted extends Surroundings {
  readonly entryId: string;
}

/** Lines, and how they were asked for: only with that is it known whether there are more. */
export interface ReadLines extends Wanted {
  readonly lines: readonly Entry[];
}

export interface LinesAround {
  readonly resource: Resource<ReadLines>;
  /** Of this line; undefined where none were read yet. */
  readonly shown: ReadLines | undefined;
}

/** To be called while a component is set up. */
export function linesAround(entryId: () => string, surroundings: () => Surroundings): LinesAround {
  const read = resource(
    (): Wanted => ({ entryId: entryId(), ...surroundings() }),
    async (wanted, signal): Promise<ReadLines> => {
      const request = contextRequest(wanted.entryId, wanted.around, wanted.extent);
      const { entries: lines } = await entries.listEntryContext(request, { signal });
      return { ...wanted, lines };
    },
  );
  let held = $state.raw<ReadLines | undefined>();
  $effect(() => {
    if (read.data) held = read.data;
  });
  const shown = $derived(read.data ?? holding(held, entryId()));
  return {
    resource: read,
    get shown() {
      return shown;
    },
  };
}

/** What was read for another line will do where it has this one, until its own is here. */
function holding(held: ReadLines | undefined, entryId: string): ReadLines | undefined {
  return held?.lines.some(({ id }) => id === entryId) ? held : undefined;
}

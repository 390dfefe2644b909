// Detections as they come: one stream, opened again when it breaks, closed while nobody looks at the page.
import { create } from '@bufbuild/protobuf';
import { WatchDetectionsRequestSchema, type Detection, type DetectionFilter } from '$gen/turnstone/v1/detection_pb';
import { pause, waitMs } from './backoff';
import { detections, noteFailure } from './clients';
import { isAbort } from './problem';

export interface WatchHandlers {
  /** A detection committed after the watch began. May come twice after an interruption. */
  detection(detection: Detection): void;
  /** The watch stands (again). After an interruption: what came meanwhile was not sent, list it. */
  established(again: boolean): void;
  /** The watch broke off, or is held back while the page is hidden. It is being put in place again. */
  interrupted?(): void;
}

const BACKOFF = { firstMs: 500, mostMs: 15_000 };
/** Browsers open six connections to one HTTP/1.1 server, for all tabs together: hidden pages give theirs back. */
const HIDDEN_TIME_MAX_MS = 20_000;
/** Heartbeats come every 15 seconds. */
const SILENCE_MAX_MS = 50_000;

/** Watches until the returned function is called. */
export function watchDetections(filter: DetectionFilter | undefined, handlers: WatchHandlers): () => void {
  const stop = new AbortController();
  void (async () => {
    const request = create(WatchDetectionsRequestSchema, { filter });
    let failures = 0;
    let again = false;
    while (!stop.signal.aborted) {
      let stands = false;
      const held = new HeldWatch(stop.signal);
      try {
        await visible(stop.signal);
        held.begin();
        for await (const { event } of detections.watchDetections(request, { signal: held.signal })) {
          held.alive();
          if (event.case === 'detection') handlers.detection(event.value);
          else if (!stands) {
            // The first heartbeat says that the watch is in place.
            stands = true;
            failures = 0;
            handlers.established(again);
            again = true;
          }
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        if (held.signal.aborted && !held.wentSilent) continue;
        if (!isAbort(error)) noteFailure(error);
      } finally {
        held.end();
        if (!stop.signal.aborted) handlers.interrupted?.();
      }
      await pause(waitMs(failures, BACKOFF), stop.signal).catch(() => {});
      failures += 1;
    }
  })();
  return () => stop.abort();
}

function visible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => {
      if (document.visibilityState !== 'visible' && !signal.aborted) return;
      document.removeEventListener('visibilitychange', check);
      signal.removeEventListener('abort', check);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    document.addEventListener('visibilitychange', check);
    signal.addEventListener('abort', check, { once: true });
    check();
  });
}

/** Ends one stream: with the watch, when the page has been hidden for some time, or when nothing has come for too long. */
class HeldWatch {
  wentSilent = false;
  readonly #aborter = new AbortController();
  readonly #outer: AbortSignal;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  #silent: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal) {
    this.#outer = outer;
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  begin(): void {
    this.#outer.addEventListener('abort', this.#abort);
    document.addEventListener('visibilitychange', this.#visibilityChange);
    this.alive();
  }

  alive(): void {
    clearTimeout(this.#silent);
    this.#silent = setTimeout(() => {
      this.wentSilent = true;
      this.#abort();
    }, SILENCE_MAX_MS);
  }

  end(): void {
    clearTimeout(this.#hidden);
    clearTimeout(this.#silent);
    this.#outer.removeEventListener('abort', this.#abort);
    document.removeEventListener('visibilitychange', this.#visibilityChange);
  }

  readonly #abort = (): void => this.#aborter.abort();

  readonly #visibilityChange = (): void => {
    clearTimeout(this.#hidden);
    if (document.visibilityState === 'hidden') this.#hidden = setTimeout(this.#abort, HIDDEN_TIME_MAX_MS);
  };
}

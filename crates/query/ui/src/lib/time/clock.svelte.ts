// The present, as components show it: one timer for all, at rest while the page is hidden.

const TICK_MS = 5_000;

class Clock {
  /** Milliseconds since 1970, a few seconds old at most. */
  now = $state(Date.now());
}

export const clock = new Clock();

if (typeof document !== 'undefined') {
  const tick = () => {
    if (document.visibilityState === 'visible') clock.now = Date.now();
  };
  setInterval(tick, TICK_MS);
  document.addEventListener('visibilitychange', tick);
}

/** Runs `work` every so many seconds while the page is visible, and when it is seen again after a longer time. Returns what ends it. */
export function everySeconds(seconds: number, work: () => void): () => void {
  let last = Date.now();
  const run = () => {
    if (document.visibilityState !== 'visible' || Date.now() - last < seconds * 950) return;
    last = Date.now();
    work();
  };
  const timer = setInterval(run, seconds * 1_000);
  document.addEventListener('visibilitychange', run);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', run);
  };
}

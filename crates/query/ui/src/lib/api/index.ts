// How pages speak with the server.
export { detections, entries, explanationsClient, stats } from './clients';
export { connection } from './connection.svelte';
export { isAbort, problemOf, type Problem } from './problem';
export { resource, Resource } from './resource.svelte';
export { retrying } from './retry';
export { session } from './session.svelte';
export { watchDetections } from './watch.svelte';

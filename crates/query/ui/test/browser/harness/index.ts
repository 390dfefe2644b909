// What the tests of the pages are made of.
export { expectAccessible, expectNoSideways } from './accessible';
export { allow, observedOf, open, SERVER_GONE, stopClock, type Observed, type OpenOptions } from './browser';
export { everyRow, stillAt } from './scrolling';
export { MODEL_PATIENCE, MODEL_TEST_MS, startLlm, type Llm } from './llm';
export { startStack, TOKEN, type SourceOptions, type Stack, type StackOptions } from './stack';

// Once before all files: finds the browser and the program, so that what is missing is said once and by name.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root, turnstoneProgram } from './programs';

declare module 'vitest' {
  export interface ProvidedContext {
    browserProgram: string;
    turnstoneProgram: string;
  }
}

export default function setup(project: TestProject): void {
  project.provide('turnstoneProgram', turnstoneProgram());
  project.provide('browserProgram', browserProgram());
}

/** Where the browser is; installed first where that is possible. */
function browserProgram(): string {
  try {
    return execFileSync(join(root, 'tools/ensure-browser.sh'), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
  } catch {
    throw new Error('there is no browser to test in: see the message above');
  }
}

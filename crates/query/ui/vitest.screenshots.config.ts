// Takes the pictures of the pages for the README: `make screenshots`.
import { mergeConfig } from 'vitest/config';
import browser from './vitest.browser.config.ts';

const config = mergeConfig(browser, { test: { testTimeout: 180_000 } });
config.test!.include = ['test/screenshots/pages.ts'];
export default config;

// The pages: their addresses, names and code, which is fetched when a page is first seen.
import type { Component } from 'svelte';
import type { IconName } from '$lib/components/Icon.svelte';

export interface Page {
  path: string;
  title: string;
  icon: IconName;
  load: () => Promise<{ default: Component }>;
}

/** In the order of the navigation. The server answers these paths with the page: see crates/query/src/http/ui.rs. */
export const PAGES: readonly Page[] = [
  {
    path: '/',
    title: 'Dashboard',
    icon: 'dashboard',
    load: () => import('../../pages/dashboard/DashboardPage.svelte'),
  },
  {
    path: '/alerts',
    title: 'Security Alerts',
    icon: 'alerts',
    load: () => import('../../pages/alerts/AlertsPage.svelte'),
  },
  {
    path: '/diagnose',
    title: 'Diagnose',
    icon: 'diagnose',
    load: () => import('../../pages/diagnose/DiagnosePage.svelte'),
  },
  { path: '/search', title: 'Search', icon: 'search', load: () => import('../../pages/search/SearchPage.svelte') },
];

export const SIGN_IN: Page = {
  path: '/sign-in',
  title: 'Sign in',
  icon: 'key',
  load: () => import('../../pages/sign-in/SignInPage.svelte'),
};

export function pageAt(path: string): Page | undefined {
  return [...PAGES, SIGN_IN].find((page) => page.path === path);
}

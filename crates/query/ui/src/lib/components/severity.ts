// Severities: names, order and looks.
import { nameText } from '$lib/text/visible';
import { Severity } from '$gen/turnstone/v1/detection_pb';
import type { IconName } from './Icon.svelte';

export interface SeverityLook {
  severity: Severity;
  /** As in URLs and on the command line. */
  name: string;
  label: string;
  /** For `data-tone`, which gives it its colours (theme.css). */
  tone: 'critical' | 'error' | 'warn' | 'info' | 'debug';
  icon: IconName;
}

const LOOKS: Readonly<Record<Severity, SeverityLook>> = {
  [Severity.CRITICAL]: {
    severity: Severity.CRITICAL,
    name: 'CRITICAL',
    label: 'Critical',
    tone: 'critical',
    icon: 'octagon',
  },
  [Severity.ERROR]: { severity: Severity.ERROR, name: 'ERROR', label: 'Error', tone: 'error', icon: 'warning' },
  [Severity.WARN]: { severity: Severity.WARN, name: 'WARN', label: 'Warning', tone: 'warn', icon: 'warning' },
  [Severity.INFO]: { severity: Severity.INFO, name: 'INFO', label: 'Info', tone: 'info', icon: 'info' },
  [Severity.DEBUG]: { severity: Severity.DEBUG, name: 'DEBUG', label: 'Debug', tone: 'debug', icon: 'info' },
  [Severity.UNSPECIFIED]: {
    severity: Severity.UNSPECIFIED,
    name: '',
    label: 'No severity',
    tone: 'debug',
    icon: 'info',
  },
};

/** Worst first, without UNSPECIFIED. */
export const SEVERITIES: readonly SeverityLook[] = [
  Severity.CRITICAL,
  Severity.ERROR,
  Severity.WARN,
  Severity.INFO,
  Severity.DEBUG,
].map((severity) => LOOKS[severity]);

/** Also for numbers that a later server may send. */
export function severityLook(severity: Severity): SeverityLook {
  return LOOKS[severity] ?? LOOKS[Severity.UNSPECIFIED];
}

/** By its name in a URL, in any case; UNSPECIFIED where it is none. */
export function severityNamed(name: string | undefined): Severity {
  const wanted = name?.toUpperCase() ?? '';
  return SEVERITIES.find((look) => look.name === wanted)?.severity ?? Severity.UNSPECIFIED;
}

/** `SECURITY_ANOMALY` as people read it: `Security anomaly`. */
export function labelText(label: string): string {
  const words = nameText(label.replaceAll('_', ' ').toLowerCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `97 %`; never 100 where it is less. */
export function percent(value: number): string {
  return `${value < 1 ? Math.min(99, Math.round(value * 100)) : 100} %`;
}

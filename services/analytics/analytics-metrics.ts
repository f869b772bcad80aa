import type { Metrics } from "#mesh";

export interface AnalyticsMetrics {
  facts(outcome: "counted" | "known" | "too_old", group: string, count: number): void;
  /** How long ago the latest of what is counted now has happened. */
  behind(ms: number): void;
  thresholds(outcome: "checked" | "reached" | "left", count: number): void;
  report(kind: string, outcome: string): void;
}

export function createAnalyticsMetrics(metrics: Metrics): AnalyticsMetrics {
  const facts = metrics.counter({
    name: "weft_analytics_facts_total",
    help: "Facts that came, by what they are about and what became of them.",
    labels: ["group", "outcome"],
  });
  const behind = metrics.histogram({
    name: "weft_analytics_behind_seconds",
    help: "Time from when something happened until it was counted.",
    buckets: [0.05, 0.25, 1, 5, 30, 120, 600, 3600, 86_400],
  });
  const thresholds = metrics.counter({
    name: "weft_analytics_thresholds_total",
    help: "Thresholds that figures were held against, and those that were reached or left.",
    labels: ["outcome"],
  });
  const reports = metrics.counter({
    name: "weft_analytics_reports_total",
    help: "Reports, by kind and what became of them.",
    labels: ["kind", "outcome"],
  });
  return {
    facts: (outcome, group, count) => facts.inc({ outcome, group }, count),
    behind: (ms) => behind.observe(Math.max(0, ms) / 1000),
    thresholds: (outcome, count) => thresholds.inc({ outcome }, count),
    report: (kind, outcome) => reports.inc({ kind, outcome }),
  };
}

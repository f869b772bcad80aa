import type { Metrics } from "#mesh";
import type { MetricSample } from "#mesh/metrics/metrics.ts";
import type { Limiter } from "./limiter.ts";

/** Shows what the limiter counts anyway. */
export function showLimits(metrics: Metrics, limiter: Limiter): void {
  const sample = (name: string, labels: Record<string, string>, value: number): MetricSample => ({
    name,
    labels,
    value,
  });
  const requests = "weft_gateway_limited_requests_total";
  metrics.add({
    name: requests,
    help: "Requests held to rate limits, by what came of them.",
    type: "counter",
    samples: () => {
      const { admitted, refused } = limiter.figures();
      return [
        sample(requests, { outcome: "admitted" }, admitted),
        sample(requests, { outcome: "refused" }, refused),
      ];
    },
  });
  const identities = "weft_gateway_limited_identities";
  metrics.add({
    name: identities,
    help: "Users and addresses whose requests are counted now.",
    type: "gauge",
    samples: () => [sample(identities, {}, limiter.figures().identities)],
  });
  const asked = "weft_gateway_limit_questions_total";
  metrics.add({
    name: asked,
    help: "Questions to other copies of the gateway, for a part of a limit.",
    type: "counter",
    samples: () => [sample(asked, {}, limiter.figures().asked)],
  });
}

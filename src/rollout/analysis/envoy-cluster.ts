/** What Envoy calls the cluster of a version, by the template that people give: no two controllers name clusters alike. */

export const CLUSTER_VARIABLES = ["namespace", "name", "version"] as const;

type ClusterValues = Readonly<Record<(typeof CLUSTER_VARIABLES)[number], string>>;

/** `namespace` and `name` are the Rollout's. */
export function clusterName(template: string, values: ClusterValues): string {
  return CLUSTER_VARIABLES.reduce((text, name) => text.replaceAll(`$(${name})`, () => values[name]), template);
}

/**
 * Returns the address of a run's page in Temporal's Web UI.
 * @param webUi the address of the Web UI
 */
export function makeTemporalLink(
  { webUi, namespace }: { webUi: string; namespace: string },
  { workflowId, runId }: { workflowId: string; runId: string },
): string {
  const [space, workflow, run] = [namespace, workflowId, runId].map(encodeURIComponent);
  return `${webUi.replace(/\/$/, '')}/namespaces/${space}/workflows/${workflow}/${run}/history`;
}

/** Returns the address of the list of a pipeline's runs in Temporal's Web UI. */
export function makeRunsLink(
  { webUi, namespace }: { webUi: string; namespace: string },
  pipeline: string,
): string {
  // Workflow ids start with the name of the pipeline, also where the search attributes are not registered.
  const query = encodeURIComponent(`WorkflowId STARTS_WITH "${pipeline}-batch-"`);
  return `${webUi.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows?query=${query}`;
}

/**
 * Kubernetes' own controllers, those that a Weir in a cluster has to do with: they make pods of Deployments, DaemonSets and Jobs, collect
 * what lost its owner, fill namespaces and Services, and add roles up. What is about nodes, volumes and certificates is left out.
 */
const CONTROLLERS = [
  'clusterrole-aggregation-controller',
  'daemonset-controller',
  'deployment-controller',
  'disruption-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'job-controller',
  'namespace-controller',
  'pod-garbage-collector-controller',
  'replicaset-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'ttl-after-finished-controller',
];

/** @param kubeConfigPath of an administrator @param authorityPath file of the API server's certificate, which pods are given */
export function controllerManagerArgs(kubeConfigPath: string, authorityPath: string): readonly string[] {
  return [
    `--kubeconfig=${kubeConfigPath}`,
    `--controllers=${CONTROLLERS.join(',')}`,
    `--root-ca-file=${authorityPath}`,
    '--leader-elect=false',
    '--use-service-account-credentials=false',
    // It listens nowhere.
    '--secure-port=0',
  ];
}

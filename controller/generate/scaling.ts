/**
 * How many replicas a backend has, left to KEDA: a ScaledObject that asks the controller what the backend is to be ready for, which
 * is the forecast by the weights in force and never less than what is called now. Where the controller does not know or is gone, it
 * answers with an error or not at all, and the autoscaler that KEDA makes leaves the replicas as they are. Pure.
 *
 * KEDA's pollingInterval and cooldownPeriod are for going to and from zero replicas, which no backend of Weir's does, so they are not set.
 */
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1';
import { type AdaptiveRoute, type Backend, serviceOf } from '../routes/route.ts';
import { metadataFor, nameFor } from './labels.ts';
import type { Manifest } from './manifests.ts';

/** A forecast looks a minute ahead and a relieved backend has its share back within minutes: replicas wait for it so long. */
const STAY_S = 600;

/** One for each backend that says how it is to be scaled. @param controllerUrl without a path */
export function scaledObjectsOf(route: AdaptiveRoute, controllerUrl: string): readonly Manifest[] {
  return route.spec.backends.flatMap((backend) =>
    backend.scale ? [scaledObjectOf(route, backend, backend.scale, controllerUrl)] : [],
  );
}

function scaledObjectOf(
  route: AdaptiveRoute,
  backend: Backend,
  { deployment, rpsPerReplica, minReplicas, maxReplicas }: NonNullable<Backend['scale']>,
  controllerUrl: string,
): Manifest {
  const url = new URL('/v1/demand', controllerUrl);
  url.search = new URLSearchParams({ service: serviceOf(route), backend: backend.name }).toString();
  const name = nameFor(deployment);
  const why = {
    'triggers[0]': `replicas follow what ${backend.name} is going to be called; while that is not known they stay`,
    scaleDown: `a share that was lost to a fault, and a crowd, may be back within minutes: replicas go after ${STAY_S} s without need`,
  };
  const object = new ScaledObject({
    metadata: { ...metadataFor(route, why), name },
    spec: {
      scaleTargetRef: { name: deployment },
      minReplicaCount: minReplicas,
      maxReplicaCount: maxReplicas,
      advanced: {
        // KEDA's own name for it would be longer than a label may be.
        horizontalPodAutoscalerConfig: { name, behavior: { scaleDown: { stabilizationWindowSeconds: STAY_S } } },
      },
      triggers: [
        {
          type: 'metrics-api',
          metricType: 'AverageValue',
          metadata: { url: url.href, valueLocation: 'loadRps', targetValue: String(rpsPerReplica) },
        },
      ],
    },
  });
  object.validate();
  return object.toJSON() as Manifest;
}

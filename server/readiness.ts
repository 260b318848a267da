/** Whether more work should be sent to this server: named checks, each of which may object, for /health/ready. */

export interface ReadinessCheck {
  /** What the state is called while this check objects, such as `full`. */
  readonly status: string;
  /** Why no job should be sent just now; undefined if this check does not object. Must be quick: probes ask often. */
  readonly objection: () => string | undefined;
}

export interface Readiness {
  /** `ready`, or the status of the first check that objects. */
  readonly status: string;
  /** Every check that objects, in the order of the checks. */
  readonly reasons: readonly { readonly status: string; readonly message: string }[];
}

/** Asks all `checks`; the most important one comes first. */
export function readinessOf(checks: readonly ReadinessCheck[]): Readiness {
  const reasons = checks.flatMap(({ status, objection }) => {
    const message = objection();
    return message === undefined ? [] : [{ status, message }];
  });
  return { status: reasons[0]?.status ?? 'ready', reasons };
}

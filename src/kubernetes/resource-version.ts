/** Which of two resourceVersions is the later one. */

/**
 * Since Kubernetes 1.35 resourceVersions of one resource are defined to be comparable as decimal numbers, and every etcd-backed server
 * before it kept to that. Numbers of any length are compared; anything else is never newer, so that such a server is believed only in its watch.
 */
export function isNewer(version: string | undefined, than: string | undefined): boolean {
  if (!isDecimal(version) || !isDecimal(than)) return false;
  return version.length === than.length ? version > than : version.length > than.length;
}

function isDecimal(version: string | undefined): version is string {
  return version !== undefined && /^[1-9]\d*$/.test(version);
}

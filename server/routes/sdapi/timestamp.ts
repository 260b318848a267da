/** Milliseconds since 1970 as A1111 writes moments: `YYYYMMDDhhmmss`, in UTC. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\D/g, '').slice(0, 14);
}

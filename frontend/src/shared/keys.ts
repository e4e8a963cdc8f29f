// Idempotency keys.

/** A random key. crypto.randomUUID does not exist on pages served by plain http. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

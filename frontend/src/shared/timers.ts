// Timers that end with what they serve.

/** Calls `action` every so many milliseconds until `signal` aborts. */
export function every(milliseconds: number, action: () => void, signal: AbortSignal): void {
  const timer = setInterval(action, milliseconds);
  signal.addEventListener("abort", () => clearInterval(timer));
}

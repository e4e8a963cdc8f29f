// Timers that end with what they serve.

/** Calls `action` every so many milliseconds until `signal` aborts. */
export function every(milliseconds: number, action: () => void, signal: AbortSignal): void {
  const timer = setInterval(action, milliseconds);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** Calls `action` once after so many milliseconds, unless `signal` aborts before. */
export function after(milliseconds: number, action: () => void, signal: AbortSignal): void {
  const timer = setTimeout(action, milliseconds);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

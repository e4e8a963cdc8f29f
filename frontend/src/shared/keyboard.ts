// The keyboard in fields for text.

/** Whether this key press sends the text: Enter alone. Shift+Enter breaks the line, and an Enter that ends a composition
 * (of an input method) belongs to it. */
export function isSend(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing;
}

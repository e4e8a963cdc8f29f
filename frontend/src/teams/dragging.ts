// Dragging an agent to another place by the mouse. Keyboards and fingers have the buttons.

const TYPE = "application/x-outcry-agent";

const cardOf = (event: Event): HTMLElement | null => (event.currentTarget as HTMLElement).closest("li");

/** Begins to drag the card of the agent with this key. */
export function startDragging(event: DragEvent, key: number): void {
  const card = cardOf(event);
  event.dataTransfer?.setData(TYPE, String(key));
  if (card) event.dataTransfer?.setDragImage(card, 16, 16);
}

/** Handlers of a card on which another one is dropped; `take` is given the key of that one. */
export function dropped(take: (key: number) => void): Readonly<Record<"over" | "leave" | "drop", (event: DragEvent) => void>> {
  const mark = (event: DragEvent, isOver: boolean): void => void cardOf(event)?.toggleAttribute("data-dragged-over", isOver);
  return {
    over: (event) => {
      if (!event.dataTransfer?.types.includes(TYPE)) return;
      event.preventDefault();
      mark(event, true);
    },
    leave: (event) => mark(event, false),
    drop: (event) => {
      event.preventDefault();
      mark(event, false);
      const key = Number(event.dataTransfer?.getData(TYPE));
      if (key > 0) take(key);
    },
  };
}

// News for somebody who looks at another tab: a mark on this tab's icon and title, and the browser's notification if the
// person has asked for it.

export type News = {
  readonly title: string;
  readonly text: string;
  /** The title's mark. */
  readonly mark: string;
};

/** Whether the person may still be asked: the browser can notify, nobody has decided, and the settings allow it. */
export function mayAsk(): boolean {
  return isWanted() && "Notification" in window && Notification.permission === "default";
}

/** Shows the browser's own question, which needs a press. */
export async function askToNotify(): Promise<void> {
  await Notification.requestPermission();
}

function isWanted(): boolean {
  return document.documentElement.dataset["notify"] !== "off";
}

/** Tells news while the tab is hidden, and takes the mark away when it is shown. */
export class TabNotices {
  /** The mark of the last news, until the tab is shown. */
  mark = "";

  #tag: string;

  /** News with the same tag replace each other. */
  constructor(tag: string) {
    this.#tag = tag;
  }

  tell({ title, text, mark }: News): void {
    if (!document.hidden) return;
    this.mark = mark;
    markIcon(true);
    if (!isWanted() || !("Notification" in window) || Notification.permission !== "granted") return;
    try {
      const notification = new Notification(title, { body: text, tag: this.#tag });
      notification.onclick = () => {
        window.focus();
        notification.close();
      };
    } catch {
      // Browsers on phones have notifications for service workers only.
    }
  }

  /** The tab was shown or hidden. */
  update(): void {
    if (document.hidden || this.mark === "") return;
    this.mark = "";
    markIcon(false);
  }
}

function markIcon(isMarked: boolean): void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const { marked } = icon?.dataset ?? {};
  if (!icon || marked === undefined) return;
  icon.dataset["plain"] ??= icon.href;
  icon.href = isMarked ? marked : icon.dataset["plain"];
}

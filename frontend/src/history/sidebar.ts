// The sidebar: at the left of the page, or a drawer over it where the page is narrow.

const NARROW = "(width < 64rem)";
const YEAR_SECONDS = 31_536_000;

export function setUpSidebar(): void {
  const sidebar = document.getElementById("sidebar");
  const toggle = document.querySelector<HTMLButtonElement>("[data-sidebar-toggle]");
  if (!sidebar || !toggle) return;
  const narrow = matchMedia(NARROW);
  const { body } = document;
  const beside = document.querySelector<HTMLElement>(".beside");

  const isOpen = (): boolean => (narrow.matches ? "drawer" in body.dataset : body.dataset["sidebar"] !== "closed");
  const draw = (): void => {
    toggle.setAttribute("aria-expanded", String(isOpen()));
    if (beside) beside.inert = narrow.matches && isOpen();
  };
  const set = (open: boolean): void => {
    if (narrow.matches) {
      body.toggleAttribute("data-drawer", open);
    } else {
      body.dataset["sidebar"] = open ? "open" : "closed";
      // The server leaves the sidebar out of the first paint of the next page.
      document.cookie = `sidebar=${open ? "open" : "closed"}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
    }
    draw();
  };
  toggle.addEventListener("click", () => {
    set(!isOpen());
    if (narrow.matches && isOpen()) sidebar.querySelector<HTMLElement>("a, input")?.focus();
  });
  narrow.addEventListener("change", () => {
    body.removeAttribute("data-drawer");
    draw();
  });
  const close = (): void => {
    set(false);
    toggle.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (isForSearch(event)) {
      event.preventDefault();
      set(true);
      sidebar.querySelector<HTMLInputElement>("[type=search]")?.focus();
    } else if (event.key === "Escape" && narrow.matches && isOpen()) close();
  });
  document.querySelector("[data-sidebar-backdrop]")?.addEventListener("click", close);
  draw();
}

function isForSearch(event: KeyboardEvent): boolean {
  const isCommand = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
  return isCommand || (event.key === "/" && !isTyping(event));
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

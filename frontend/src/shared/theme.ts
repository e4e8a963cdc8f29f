// The button that toggles light and dark. static/frontend/theme.js applies the choice on the next page, before its
// first paint.

export function setUpThemeToggle(): void {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.addEventListener("click", () => {
      const current = root.dataset["theme"] ?? (dark.matches ? "dark" : "light");
      root.dataset["theme"] = current === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("theme", root.dataset["theme"]);
      } catch {
        // Storage is blocked: the choice lasts until the next page.
      }
    });
  }
}

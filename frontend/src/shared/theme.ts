// Light and dark colours. The server applies a choice to the next page: for people who are signed in from their
// settings, for others from a cookie.

import { post } from "./http.ts";

const root = document.documentElement;
const YEAR = 31_536_000;

export function setUpThemeToggle(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.addEventListener("click", () => {
      const current = root.dataset["theme"] ?? (dark.matches ? "dark" : "light");
      const theme = current === "dark" ? "light" : "dark";
      root.dataset["theme"] = theme;
      setCookie("theme", theme);
      const url = root.dataset["themeUrl"];
      if (url) void post(url, { theme });
    });
  }
  for (const choice of document.querySelectorAll<HTMLInputElement>("[data-theme-choice]")) {
    choice.addEventListener("change", () => show(choice.value));
  }
}

/** Shows a theme before it is saved; "" is the system's. */
function show(theme: string): void {
  if (theme) root.dataset["theme"] = theme;
  else delete root.dataset["theme"];
}

/** Tells the server the browser's time zone, in which it writes the times of the next pages. */
export function tellTimeZone(): void {
  setCookie("browser_time_zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
}

function setCookie(name: string, value: string): void {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
}

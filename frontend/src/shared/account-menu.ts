// Menus made of <details>: closes them at a click outside and at Escape.

export function closeMenusOutside(): void {
  const menus = [...document.querySelectorAll<HTMLDetailsElement>("details[data-menu]")];
  document.addEventListener("click", ({ target }) => {
    for (const menu of menus) if (!menu.contains(target as Node)) menu.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const menu of menus.filter((candidate) => candidate.open)) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}

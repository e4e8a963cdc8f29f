// The fragment of an address, such as a link to a message, on the way through the sign-in page.

/** Forms of the sign-in pages keep the fragment: browsers hand it on with every redirect, but a form drops it. */
export function keepFragment(): void {
  document.addEventListener("submit", ({ target }) => {
    if (!(target instanceof HTMLFormElement) || target.closest(".entrance") === null || location.hash === "") return;
    const action = new URL(target.getAttribute("action") ?? "", location.href);
    action.hash = location.hash;
    target.setAttribute("action", action.href);
  });
}

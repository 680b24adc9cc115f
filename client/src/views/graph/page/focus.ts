/**
 * Lets one of many elements be reached by Tab and the others by keys: `next` says which element a key leads to from
 * which. Gives a function that puts the focus on an element.
 */
export function roving(
  container: HTMLElement,
  next: (from: HTMLElement, key: string) => HTMLElement | undefined,
): (element: HTMLElement | undefined) => void {
  const items = () => [...container.querySelectorAll<HTMLElement>("[data-id]")];
  const makeCurrent = (element: HTMLElement | undefined) => {
    for (const item of items()) item.tabIndex = item === element ? 0 : -1;
  };
  makeCurrent(items()[0]);
  container.addEventListener("keydown", (event) => {
    const from = event.target;
    if (!(from instanceof HTMLElement) || from.dataset["id"] === undefined) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const all = items();
    const to = event.key === "Home" ? all[0] : event.key === "End" ? all.at(-1) : next(from, event.key);
    if (!to) return;
    event.preventDefault();
    makeCurrent(to);
    to.focus();
    to.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  container.addEventListener("focusin", ({ target }) => {
    if (target instanceof HTMLElement && target.dataset["id"] !== undefined) makeCurrent(target);
  });
  return (element) => {
    if (!element) return;
    makeCurrent(element);
    element.focus({ preventScroll: true });
  };
}

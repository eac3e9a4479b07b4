// The theme's arrows that open a branch of the navigation have no name for screen readers.
document.addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll("nav summary:not([aria-label])")) {
    const entry = arrow.closest("li").querySelector("a");
    arrow.setAttribute("aria-label", `Pages of ${entry.textContent.trim()}`);
  }
});

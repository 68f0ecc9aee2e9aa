// What the page adds for a reader with JavaScript: color mode, search, the place in the contents.
const root = document.documentElement;

// The color mode: the system's, light, dark. early.js applies it before the page is painted.
const modeButton = document.querySelector(".color-mode");
const showMode = () => {
  const label = modeButton.dataset[root.dataset.theme || "auto"];
  modeButton.setAttribute("aria-label", label);
  modeButton.title = label;
};
modeButton.addEventListener("click", () => {
  const next = { undefined: "light", light: "dark", dark: undefined }[root.dataset.theme];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  try { localStorage.setItem("color-mode", next || "auto"); } catch { /* not remembered, still shown */ }
  showMode();
});
showMode();
modeButton.hidden = false;

// The search is loaded when a reader asks for it.
const openSearch = () => {
  if (window.openSearch) return window.openSearch();
  if (document.querySelector("script[data-search-script]")) return;
  const script = document.createElement("script");
  script.src = root.dataset.content_root + "_static/search.js";
  script.dataset.searchScript = "";
  script.addEventListener("load", () => window.openSearch());
  document.head.append(script);
};
const searchLink = document.querySelector("[data-search]");
searchLink.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openSearch();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (slash || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    openSearch();
  }
});

// A sheet closes when one of its links leads to a place on this page.
for (const sheet of document.querySelectorAll("[popover]")) {
  sheet.addEventListener("click", (event) => {
    if (event.target.closest("a") && sheet.matches(":popover-open")) sheet.hidePopover();
  });
}

// Mark in the contents the section that the reader is in.
const entries = new Map();
for (const link of document.querySelectorAll(".contents ul ul a")) {
  const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (section) entries.set(section, link);
}
if (entries.size) {
  const mark = () => {
    const begun = [...entries.keys()].filter((section) => section.getBoundingClientRect().top < 150);
    for (const [section, link] of entries) {
      if (section === begun.at(-1)) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const observer = new IntersectionObserver(mark, { rootMargin: "-140px 0px 0px 0px", threshold: [0, 1] });
  for (const section of entries.keys()) observer.observe(section);
}

// What scrolls sideways can be scrolled with the keyboard.
const reach = () => {
  for (const box of document.querySelectorAll("pre, div.math, article p:has(math), .autograd-scroll, .pst-scrollable-table-container")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
const later = window.requestIdleCallback || setTimeout;
new ResizeObserver(() => later(reach)).observe(document.body);

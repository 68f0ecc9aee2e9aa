// Remember the reader's language; keep the place on the page when it is switched; choose the
// language on the root page and on the 404.
const storage = (area, key, value) => {
  try {
    if (value === undefined) return window[area].getItem(key);
    window[area].setItem(key, value);
  } catch { /* private mode: nothing is remembered */ }
  return null;
};

// Both languages have the same blocks in the same order, so the place is a block and how far
// the reader is into it.
const HEADER = 60;
const blocks = () => [...document.querySelectorAll("article :is(h1, h2, h3, p, li, pre, img, tr, div.math)")];

const currentSection = () => {
  const begun = [...document.querySelectorAll("article section[id]")].filter(
    (section) => section.getBoundingClientRect().top < 150
  );
  return begun.length && window.scrollY > 0 ? "#" + begun.pop().id : "";
};

const currentPlace = () => {
  const all = blocks();
  const index = all.findIndex((block) => block.getBoundingClientRect().bottom > HEADER);
  if (index < 0 || window.scrollY === 0) return null;
  const box = all[index].getBoundingClientRect();
  return { index, of: all.length, share: (HEADER - box.top) / (box.height || 1) };
};

for (const link of document.querySelectorAll("[data-language], [data-both]")) {
  const follow = () => {
    if (link.dataset.language) storage("localStorage", "language", link.dataset.language);
    link.hash = currentSection();
    const page = link.pathname;
    storage("sessionStorage", "place", JSON.stringify({ page, ...currentPlace() }));
  };
  link.addEventListener("click", follow);
  link.addEventListener("auxclick", follow);
}

const restorePlace = () => {
  const place = JSON.parse(storage("sessionStorage", "place"));
  storage("sessionStorage", "place", "null");
  if (!place || place.page !== location.pathname) return;
  const all = blocks();
  if (place.of !== all.length) return; // opened at the section, by the browser
  const box = all[place.index].getBoundingClientRect();
  window.scrollTo({ top: window.scrollY + box.top + place.share * box.height - HEADER, behavior: "instant" });
};
if (document.readyState === "complete") restorePlace();
else window.addEventListener("load", restorePlace);

if (document.documentElement.hasAttribute("data-choose-language")) {
  const preferred = (navigator.languages || [navigator.language]).find((code) => /^(zh|en)/.test(code));
  const language = storage("localStorage", "language") || (preferred && preferred.startsWith("zh") ? "zh" : "en");
  location.replace(language + "/index.html");
}

// A page that is not there: speak the language of the address, or the remembered one.
if (document.documentElement.hasAttribute("data-not-found")) {
  const inPath = location.pathname.match(/\/(en|zh)\//);
  const language = inPath ? inPath[1] : storage("localStorage", "language");
  if (language) document.documentElement.dataset.notFound = language;
}

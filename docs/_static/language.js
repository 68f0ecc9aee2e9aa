/* Remember the reader's language; keep the section when it is switched; choose it on the root page. */
const read = () => { try { return localStorage.getItem("language"); } catch { return null; } };
const keep = (language) => { try { localStorage.setItem("language", language); } catch { /* private mode */ } };

/* The section that the reader is in: the one in the address while it is in view, else the last
   one that began above or just below the header. */
const currentSection = () => {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const top = (section) => section.getBoundingClientRect().top;
  if (named && top(named) > 0 && top(named) < window.innerHeight) return location.hash;
  if (window.scrollY === 0) return "";
  const begun = [...document.querySelectorAll("article section[id]")].filter((section) => top(section) < 150);
  return begun.length ? "#" + begun.pop().id : "";
};

for (const link of document.querySelectorAll("[data-language]")) {
  const follow = () => {
    keep(link.dataset.language);
    link.hash = currentSection();
  };
  link.addEventListener("click", follow);
  link.addEventListener("auxclick", follow);
}

if (document.documentElement.hasAttribute("data-choose-language")) {
  const chinese = (navigator.languages || [navigator.language]).find((code) => /^(zh|en)/.test(code));
  const language = read() || (chinese && chinese.startsWith("zh") ? "zh" : "en");
  location.replace(language + "/index.html");
}

/* A page that is not there: speak the language of the address, or the remembered one. */
if (document.documentElement.hasAttribute("data-not-found")) {
  const inPath = location.pathname.match(/\/(en|zh)\//);
  const language = inPath ? inPath[1] : read();
  if (language) document.documentElement.dataset.notFound = language;
}

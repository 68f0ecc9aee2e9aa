/* Remember the reader's language; keep the section when it is switched; choose it on the root page. */
const read = () => { try { return localStorage.getItem("language"); } catch { return null; } };
const keep = (language) => { try { localStorage.setItem("language", language); } catch { /* private mode */ } };

/* The section that stands at the top of the window, or the one in the address. */
const currentSection = () => {
  const top = [...document.querySelectorAll("article section[id]")]
    .filter((section) => section.getBoundingClientRect().top < window.innerHeight / 3)
    .pop();
  return top && window.scrollY > 0 ? "#" + top.id : location.hash;
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

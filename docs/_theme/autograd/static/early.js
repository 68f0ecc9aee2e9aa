// Runs before the page is painted: the reader's choice of light or dark, if there is one, and the
// font of the formulas, asked for at once so that no line moves when it comes.
try {
  const mode = localStorage.getItem("color-mode");
  if (mode === "light" || mode === "dark") document.documentElement.dataset.theme = mode;
} catch { /* storage is closed to this page: the system's mode stays */ }

const { font } = document.currentScript.dataset;
if (font && location.protocol !== "file:") { // files may not be preloaded
  const link = Object.assign(document.createElement("link"), {
    rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href: font,
  });
  document.head.append(link);
}

// Runs before the page is painted: the reader's choice of light or dark, if there is one.
try {
  const mode = localStorage.getItem("color-mode");
  if (mode === "light" || mode === "dark") document.documentElement.dataset.theme = mode;
} catch { /* storage is closed to this page: the system's mode stays */ }

// Before the first paint, so that a chosen theme never flashes: the rest of the page is a deferred module.
try {
  const chosen = localStorage.getItem('duet-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; the system's theme is used then.
}

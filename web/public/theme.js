// Before the first paint, so that no theme flashes: the rest of the page is a deferred module. web/src/theme.ts does the rest.
let theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
try {
  const chosen = localStorage.getItem('duet-theme');
  if (chosen === 'light' || chosen === 'dark') theme = chosen;
} catch {
  // Storage may be forbidden; the system's theme is used then.
}
document.documentElement.dataset.theme = theme;

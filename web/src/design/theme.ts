/** Light or dark, as the system has it or as this browser was told. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'sluice.theme';

export function storedTheme(): Theme {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'system';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  }
  // Charts read their colours from the document.
  dispatchEvent(new Event('themechange'));
}

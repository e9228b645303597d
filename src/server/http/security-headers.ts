/** Headers of every answer of the API: it is no document, may not be guessed to be one, put into a frame, read by another site or kept. */
export const API_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'content-security-policy': `default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox`,
  'cache-control': 'no-store',
};

/**
 * Of the page's own files: they may use each other and ask this server, and nothing else. No script or style but those of its files, no markup made of text (Trusted Types), no frame, no form
 * that is sent elsewhere.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  ...API_HEADERS,
  'content-security-policy': [
    `default-src 'none'`, `script-src 'self'`, `style-src 'self'`, `img-src 'self'`, `font-src 'self'`, `connect-src 'self'`,
    `form-action 'none'`, `frame-ancestors 'none'`, `base-uri 'none'`, `require-trusted-types-for 'script'`,
  ].join('; '),
};

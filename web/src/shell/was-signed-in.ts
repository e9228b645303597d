/** Kept for this tab while somebody is signed in: then being refused means that the session is over. */
export const WAS_SIGNED_IN = 'sluice.signed-in';

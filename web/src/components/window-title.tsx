import { useEffect } from 'react';

/** Says in the title of the window where one is. */
export function WindowTitle({ name }: { readonly name: string }): null {
  useEffect(() => {
    document.title = name === 'Sluice' ? name : `${name} · Sluice`;
  }, [name]);
  return null;
}

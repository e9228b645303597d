/** A question over the page, by the browser's own <dialog>: it keeps the focus, and Escape closes it. */
import { useEffect, useId, useRef, type ReactElement, type ReactNode } from 'react';
import { Button } from './button.tsx';

export function Dialog({ title, children, actions, onClose, isWide = false }: {
  readonly title: string; readonly children: ReactNode; readonly actions?: ReactNode; readonly onClose: () => void; readonly isWide?: boolean;
}): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClick={(event) => { if (event.target === dialog.current) onClose(); }}
      className={`m-auto max-h-[calc(100dvh-32px)] w-[calc(100vw-32px)] flex-col overflow-hidden rounded-lg border border-line bg-raised p-0 shadow-pop open:flex ${isWide ? 'max-w-[920px]' : 'max-w-[500px]'}`}
    >
      <header className="flex items-center gap-3 border-b border-line py-2 pr-2 pl-4">
        <h2 id={id} className="flex-1 text-lg font-semibold">{title}</h2>
        <Button look="quiet" icon="cross" label="Close" isSmall onClick={onClose} />
      </header>
      <div className="min-h-0 flex-1 overflow-auto p-4">{children}</div>
      {actions !== undefined && <footer className="flex flex-wrap justify-end gap-2 border-t border-line bg-surface px-4 py-3">{actions}</footer>}
    </dialog>
  );
}

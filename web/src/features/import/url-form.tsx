import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactElement } from 'react';
import { settingsQuery } from '../../api/queries.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Note } from '../../components/states.tsx';

export function UrlForm({ onChoose }: { readonly onChoose: (url: string) => void }): ReactElement {
  const [url, setUrl] = useState('');
  const settings = useQuery(settingsQuery);
  const isAllowed = settings.data?.urls !== false;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onChoose(url.trim());
  };
  return (
    <form onSubmit={submit} className="flex max-w-[640px] flex-col gap-3">
      {!isAllowed && <Note tone="warn">This server reads no addresses: whoever runs it can allow that with <code>sluice serve --urls</code>.</Note>}
      <TextField label="Address of a file" type="url" required pattern="https?://.+" placeholder="https://example.com/cities.csv.gz" value={url} onChange={(event) => setUrl(event.target.value)} disabled={!isAllowed} hint="The server reads it, not this browser." />
      <div><Button type="submit" look="primary" disabled={!isAllowed || !/^https?:\/\/.+/.test(url.trim())}>Look at it</Button></div>
    </form>
  );
}

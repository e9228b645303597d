/** The account of a run: it balances, and it says so. */
import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import type { Receipt, RunDetails } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Figure, Figures, Panel } from '../../components/panel.tsx';
import { SimpleTable, type TableColumn } from '../../components/simple-table.tsx';
import { Note, ProblemNote } from '../../components/states.tsx';
import { bytes, duration, short, whole } from '../../design/quantities.ts';
import { useConnectionOf } from '../connections/use-connection-of.ts';
import { ButtonLink } from '../../components/button.tsx';

type TableReceipt = Receipt['tables'][number];

export function ReceiptPanel({ run, receipt }: { readonly run: RunDetails; readonly receipt: Receipt }): ReactElement {
  const { totals, tables, seconds } = receipt;
  const target = useConnectionOf(run.to);
  const canOpen = receipt.status === 'done' && target !== undefined && ['import', 'copy', 'restore'].includes(run.job);
  const balance = totals.written + totals.rejected + totals.duplicate + totals.skipped;
  return (
    <>
      {receipt.error !== undefined && <ProblemNote {...(receipt.status === 'cancelled' ? {} : { title: 'The run failed; the target is as it was before' })} problem={{ code: receipt.error.code, detail: receipt.error.message, hint: receipt.error.hint, at: receipt.error.at as Record<string, unknown> }} />}
      <Panel
        title="Receipt" note={balance === totals.read ? `${whole(totals.read)} read = ${whole(totals.written)} written + ${whole(totals.rejected)} rejected + ${whole(totals.duplicate)} duplicate + ${whole(totals.skipped)} skipped` : undefined}
        actions={canOpen && tables.length === 1 && <ButtonLink to="/data/$connection/$table" params={{ connection: target, table: tables[0].name }} isSmall icon="table">Look at the rows</ButtonLink>}
      >
        <Figures>
          <Figure label="Read">{whole(totals.read)}</Figure>
          <Figure label="Written" tone="text-good">{whole(totals.written)}</Figure>
          <Figure label="Rejected" tone={totals.rejected > 0 ? 'text-warn' : ''}>{whole(totals.rejected)}</Figure>
          <Figure label="Duplicate">{whole(totals.duplicate)}</Figure>
          <Figure label="Skipped">{whole(totals.skipped)}</Figure>
          <Figure label="Took" detail={seconds > 0 && totals.read > 0 ? `${short(totals.read / seconds)} rows/s` : undefined}>{duration(seconds)}</Figure>
          <Figure label="Data" detail={seconds > 0 && totals.bytes > 0 ? `${bytes(totals.bytes / seconds)}/s` : undefined}>{bytes(totals.bytes)}</Figure>
          <Figure label="Peak memory">{bytes(receipt.peakRssBytes)}</Figure>
        </Figures>
        {receipt.backup !== undefined && <BackupFacts receipt={receipt.backup} />}
        {receipt.targets.length > 0 && <Targets targets={receipt.targets} />}
        {receipt.warnings !== undefined && receipt.warnings.length > 0 && <div className="mt-4 flex flex-col gap-1.5">{receipt.warnings.map((warning) => <Note key={warning} tone="warn">{warning}</Note>)}</div>}
        {receipt.missing !== undefined && <div className="mt-4 flex flex-col gap-1.5">{receipt.missing.map((part) => <Note key={`${part.table} ${part.place}`} tone="warn">Left out, because it is damaged: {part.table}, {part.place} ({part.reason})</Note>)}</div>}
      </Panel>
      {tables.length > 1 && <Panel title="Tables" isFlush><ReceiptTables tables={tables} link={canOpen ? (name) => <Link to="/data/$connection/$table" params={{ connection: target, table: name }} className="font-medium hover:underline">{name}</Link> : undefined} /></Panel>}
      {receipt.steps !== undefined && receipt.steps.length > 0 && <Panel title="Steps" isFlush><SimpleTable label="Steps" items={receipt.steps} keyOf={({ name }) => name} columns={[{ title: 'Step', cell: ({ name }) => name }, { title: 'Took', isNumber: true, cell: ({ seconds: took }) => duration(took) }]} /></Panel>}
    </>
  );
}

function ReceiptTables({ tables, link }: { readonly tables: readonly TableReceipt[]; readonly link: ((name: string) => ReactNode) | undefined }): ReactElement {
  const number = (title: string, of: (table: TableReceipt) => number, from?: 'sm' | 'md'): TableColumn<TableReceipt> => ({ title, isNumber: true, cell: (table) => whole(of(table)), ...(from === undefined ? {} : { from }) });
  const columns: readonly TableColumn<TableReceipt>[] = [
    { title: 'Table', cell: ({ name }) => link?.(name) ?? <span className="font-medium">{name}</span> },
    number('Read', ({ read }) => read), number('Written', ({ written }) => written), number('Rejected', ({ rejected }) => rejected, 'sm'), number('Duplicate', ({ duplicate }) => duplicate, 'md'), number('Skipped', ({ skipped }) => skipped, 'md'),
    { title: 'Data', isNumber: true, from: 'sm', cell: (table) => bytes(table.bytes) },
  ];
  return <SimpleTable items={tables.slice(0, 500)} columns={columns} keyOf={({ name }) => name} label="Receipt by table" />;
}

function BackupFacts({ receipt }: { readonly receipt: NonNullable<Receipt['backup']> }): ReactElement {
  return (
    <Figures className="mt-5 border-t border-line pt-4">
      <Figure label="Backup">{receipt.backup}</Figure>
      <Figure label="New chunks" detail="what was there already is not stored again">{whole(receipt.newChunks)}</Figure>
      <Figure label="New data, compressed">{bytes(receipt.newBytes)}</Figure>
      <Figure label="Large objects">{whole(receipt.largeObjects)}</Figure>
      <Figure label="Sequences">{whole(receipt.sequences)}</Figure>
    </Figures>
  );
}

const TARGETS: Readonly<Record<string, readonly [text: string, format: (value: number) => string]>> = {
  seconds: ['time, at most', duration], peakRssBytes: ['memory, at most', bytes], rowsPerSecond: ['rows per second, at least', short], bytesPerSecond: ['bytes per second, at least', (value) => `${bytes(value)}/s`],
};

function Targets({ targets }: { readonly targets: Receipt['targets'] }): ReactElement {
  return (
    <div className="mt-4 flex flex-wrap items-center gap-1.5 border-t border-line pt-3.5">
      <span className="mr-1 text-sm text-ink-3">Performance targets</span>
      {targets.map(({ name, measured, wanted, met }) => {
        const [text, format] = TARGETS[name] ?? [name, short];
        return <Badge key={name} tone={met ? 'good' : 'warn'}>{text} {format(wanted)}: {format(measured)}, {met ? 'met' : 'missed'}</Badge>;
      })}
    </div>
  );
}

/** The icons of the page: strokes on a grid of 20, drawn in the colour of the text beside them. */
import type { ReactElement } from 'react';

const PATHS = {
  overview: 'M3 10.5 10 4l7 6.5M5 9v7h10V9M8.500 16v-4h3v4',
  import: 'M10 3v9M6.500 8.500 10 12l3.500-3.500M3.500 13v2.500a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1V13',
  export: 'M10 12V3M6.500 6.500 10 3l3.500 3.500M3.500 13v2.500a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1V13',
  table: 'M3.500 4.500h13v11h-13zM3.500 8.500h13M8 8.500v7M3.500 12h13',
  runs: 'M3.500 5h8M3.500 10h5M3.500 15h4M12 9.500l4.500 3-4.500 3z',
  backup: 'M3.500 6.500 10 3l6.500 3.500L10 10zM3.500 10 10 13.500l6.500-3.500M3.500 13.500 10 17l6.500-3.500',
  database: 'M4 5.500C4 4.100 6.700 3 10 3s6 1.100 6 2.500S13.300 8 10 8 4 6.900 4 5.500zM4 5.500v9C4 15.900 6.700 17 10 17s6-1.100 6-2.500v-9M4 10c0 1.400 2.700 2.500 6 2.500s6-1.100 6-2.500',
  speed: 'M3.500 14.500a7 7 0 1 1 13 0M10 12.500l3.500-5',
  settings: 'M4 6h7M15 6h1M4 14h1M9 14h7M13 4v4M7 12v4M4 10h3M11 10h5M9 8v4',
  search: 'M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11zM13 13l4 4',
  check: 'm4 10.500 4 4 8-9',
  cross: 'm5 5 10 10M15 5 5 15',
  plus: 'M10 4v12M4 10h12',
  chevron: 'm7.500 5 5 5-5 5',
  down: 'm5 7.500 5 5 5-5',
  back: 'M16 10H4M9 5l-5 5 5 5',
  warning: 'M10 3.500 17.500 16.500h-15zM10 8.500v3.500M10 14.200v.1',
  info: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9.500v4M10 6.700v.1',
  stop: 'M5.500 5.500h9v9h-9z',
  again: 'M15.500 8A6 6 0 1 0 16 11.500M16 4v4h-4',
  play: 'M6.500 4.500v11l9-5.500z',
  file: 'M5 3.500h6l4 4v9H5zM11 3.500v4h4',
  folder: 'M3 5.500h5l1.500 2H17v8H3z',
  link: 'M8.500 11.500a3 3 0 0 0 4.300.2l2.500-2.500a3 3 0 0 0-4.300-4.300l-1 1M11.500 8.500a3 3 0 0 0-4.300-.2l-2.500 2.500a3 3 0 0 0 4.300 4.300l1-1',
  key: 'M12.500 10.500a3.500 3.500 0 1 0-3.300-2.300L3.500 14v2.500H6V15h1.500v-1.500H9l1-1.100c.7.100 1.700-.4 2.500-1.900zM13 6.900v.1',
  trash: 'M4 6h12M8 6V4h4v2M5.500 6l.7 10.500h7.600L14.500 6M8.500 9v5M11.500 9v5',
  copy: 'M7.500 7.500h9v9h-9zM12.500 7.500v-4h-9v9h4',
  sun: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 2.500v1.700M10 15.800v1.700M2.500 10h1.700M15.800 10h1.700M4.700 4.700l1.200 1.200M14.100 14.100l1.200 1.200M4.700 15.300l1.200-1.200M14.100 5.900l1.200-1.200',
  moon: 'M16.500 11.800A7 7 0 0 1 8.200 3.500a7 7 0 1 0 8.300 8.300z',
  auto: 'M3.500 4.500h13v9h-13zM7.500 17h5M10 13.500V17',
  menu: 'M3.500 6h13M3.500 10h13M3.500 14h13',
  leave: 'M12 4H4.500v12H12M9 10h8M14 7l3 3-3 3',
  clock: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4l2.500 2',
  memory: 'M6 6h8v8H6zM8 3v3M12 3v3M8 14v3M12 14v3M3 8h3M3 12h3M14 8h3M14 12h3',
  shield: 'M10 3l6 2v5c0 3.500-2.500 6-6 7-3.500-1-6-3.500-6-7V5zM7.500 10l2 2 3.500-3.500',
  restore: 'M4.500 8A6 6 0 1 1 4 11.500M4 4v4h4M10 7v3.500l2.500 1.500',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16, className = '' }: { readonly name: IconName; readonly size?: number; readonly className?: string }): ReactElement {
  return (
    <svg viewBox="0 0 20 20" width={size} height={size} fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" className={`shrink-0 ${className}`}>
      <path d={PATHS[name]} />
    </svg>
  );
}

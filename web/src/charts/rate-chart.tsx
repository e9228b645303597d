/** A curve over time, drawn by uPlot, in the colours of the page. It grows while its run goes on; to those who cannot see it, its latest value is told in text beside it. */
import { useEffect, useRef, useState, type ReactElement } from 'react';
import uPlot from 'uplot';
import './chart.css';

export interface Curve {
  readonly label: string;
  /** A token of the design. */
  readonly colour: '--accent' | '--good' | '--warn';
  readonly at: readonly number[];
  readonly values: readonly (number | null)[];
}

interface Props {
  readonly curve: Curve;
  readonly format: (value: number) => string;
  readonly height?: number;
}

export function RateChart({ curve, format, height = 132 }: Props): ReactElement {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const again = (): void => setTheme((count) => count + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    addEventListener('themechange', again);
    system.addEventListener('change', again);
    return () => {
      removeEventListener('themechange', again);
      system.removeEventListener('change', again);
    };
  }, []);
  useEffect(() => {
    const element = holder.current!;
    const made = new uPlot(optionsOf(element, curve, format, height), [[], []], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // The data come by the effect below; only what the chart is made of makes it anew.
  }, [curve.colour, curve.label, format, height, theme]);
  useEffect(() => {
    plot.current?.setData([[...curve.at], [...curve.values]]);
  }, [curve, theme]);
  return <div ref={holder} className="w-full overflow-hidden" style={{ height }} aria-hidden="true" />;
}

function optionsOf(element: HTMLElement, curve: Curve, format: (value: number) => string, height: number): uPlot.Options {
  const style = getComputedStyle(element);
  const token = (name: string): string => colourOf(element, name);
  const axis = { stroke: token('--ink-3'), font: `11px ${style.fontFamily}`, grid: { stroke: token('--line'), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth, height, padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      { ...axis, size: 24, space: 70, values: (_, ticks) => ticks.map(clock) },
      { ...axis, size: 62, gap: 6, space: 34, values: (_, ticks) => ticks.map((tick) => format(tick)) },
    ],
    series: [{}, { label: curve.label, stroke: token(curve.colour), width: 1.75, fill: `color-mix(in oklab, ${token(curve.colour)} 14%, transparent)`, points: { show: false }, spanGaps: true }],
  };
}

/** A token as a colour that a canvas knows: the browser resolves it where it is used. */
function colourOf(element: HTMLElement, name: string): string {
  // Whatever moves gently from colour to colour would be read on its way.
  element.style.setProperty('transition', 'none', 'important');
  element.style.color = `var(${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}

function clock(seconds: number): string {
  const time = new Date(seconds * 1000);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Whether this process has opened the engine: its memory is then part of what a run is allowed. A file of its own, so that asking loads nothing. */
let isUsed = false;

export function noteEngineUse(): void {
  isUsed = true;
}

export function isEngineUsed(): boolean {
  return isUsed;
}

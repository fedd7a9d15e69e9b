import type { Rectangle } from 'electron';
import { z } from 'zod';
import { windowMinHeight, windowMinWidth } from './window-options.ts';

/** How the window was left. */
export const windowStateSchema = z.object({
  x: z.int(),
  y: z.int(),
  width: z.int().min(1),
  height: z.int().min(1),
  isMaximized: z.boolean().default(false),
});
export type WindowState = z.infer<typeof windowStateSchema>;

const usualWidth = 1240;
const usualHeight = 820;

/** Of a window's title, this much must be in reach to be dragged. */
const reachWidth = 160;
const reachHeight = 48;

function overlap(first: Rectangle, second: Rectangle): { width: number; height: number } {
  const width = Math.min(first.x + first.width, second.x + second.width) - Math.max(first.x, second.x);
  const height = Math.min(first.y + first.height, second.y + second.height) - Math.max(first.y, second.y);
  return { width: Math.max(0, width), height: Math.max(0, height) };
}

function centered(area: Rectangle, size: { width: number; height: number }): Rectangle {
  const x = area.x + Math.round((area.width - size.width) / 2);
  return { ...size, x, y: area.y + Math.round((area.height - size.height) / 2) };
}

/** A size that fits into an area, where that is not smaller than the window may be. */
function fitted(area: Rectangle, size: { width: number; height: number }): { width: number; height: number } {
  return {
    width: Math.max(windowMinWidth, Math.min(size.width, area.width)),
    height: Math.max(windowMinHeight, Math.min(size.height, area.height)),
  };
}

/**
 * Where the window goes: as it was left, if enough of its title is on one of
 * the screens that there are now, and else in the middle of the first.
 * `areas` are what of the screens is free for windows, at least one.
 */
export function windowBounds(areas: readonly [Rectangle, ...Rectangle[]], left: WindowState | undefined): Rectangle {
  const size = { width: left?.width ?? usualWidth, height: left?.height ?? usualHeight };
  const title = left && { x: left.x, y: left.y, width: left.width, height: reachHeight };
  const area =
    title &&
    areas.find((one) => {
      const { width, height } = overlap(one, title);
      return width >= reachWidth && height >= reachHeight;
    });
  if (left === undefined || area === undefined) return centered(areas[0], fitted(areas[0], size));
  return { x: left.x, y: left.y, ...fitted(area, size) };
}

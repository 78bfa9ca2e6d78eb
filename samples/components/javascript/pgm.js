// Reads greyscale images in PGM (P2 or P5), as the model takes them.

import { readFile } from './files.js';

export const SIDE = 8;

const GAP = String.raw`(?:\s|#[^\n]*\n)+`;
const NUMBER = String.raw`(\d{1,5})`;
const HEADER = new RegExp(String.raw`^P([25])${(GAP + NUMBER).repeat(3)}\s`);

// The 64 brightnesses of an image, from 0 to 1.
export function readPgm(path) {
  const bytes = readFile(path);
  const text = textOf(bytes);
  const header = HEADER.exec(text);
  if (!header) throw new Error(`${path}: is not a PGM image`);
  const [kind, width, height, most] = header.slice(1).map(Number);
  const sides = [width, height];
  if (sides.some((side) => side < SIDE || side > 4096) || most < 1 || most > 65535)
    throw new Error(`${path}: has sides under 8 or over 4096, or a wrong maximum`);
  const start = header[0].length;
  const samples =
    kind === 2 ? plainSamples(text.slice(start)) : rawSamples(bytes.subarray(start), most);

  const sums = new Array(SIDE * SIDE).fill(0);
  const counts = new Array(SIDE * SIDE).fill(0);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sample = samples[y * width + x];
      if (!(sample <= most)) throw new Error(`${path}: is damaged`); // or cut off: undefined, NaN
      const cell = Math.floor((y * SIDE) / height) * SIDE + Math.floor((x * SIDE) / width);
      sums[cell] += sample / most;
      counts[cell]++;
    }
  return sums.map((sum, cell) => sum / counts[cell]);
}

// A character for each byte.
function textOf(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

function plainSamples(text) {
  const words = text.replace(/#[^\n]*/g, '').trim().split(/\s+/);
  return words.map((word) => (/^\d+$/.test(word) ? Number(word) : NaN));
}

function rawSamples(bytes, most) {
  if (most < 256) return bytes;
  const pairs = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length >> 1 }, (_, at) => pairs.getUint16(2 * at));
}

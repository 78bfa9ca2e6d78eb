// Files by wasi:filesystem, because the library of componentize-js has none.

import { getDirectories } from 'wasi:filesystem/preopens@0.2.0';

const MOST_AT_ONCE = 1n << 20n;

// A whole file, as a Uint8Array.
export function readFile(path) {
  try {
    const file = open(path);
    const chunks = [];
    let size = 0;
    for (let ended = false; !ended; ) {
      const [chunk, atEnd] = file.read(MOST_AT_ONCE, BigInt(size));
      chunks.push(chunk);
      size += chunk.length;
      ended = atEnd || chunk.length === 0;
    }
    return joined(chunks, size);
  } catch (error) {
    throw new Error(`${path}: cannot be read: ${error.payload ?? error.message}`);
  }
}

// The file is in one of the folders that the host has given. Their names are as the guest sees them,
// such as `.` or `/models`; the longest that fits is the one.
function open(path) {
  const fitting = getDirectories()
    .map(([folder, name]) => [folder, name === '.' ? '' : name.replace(/\/*$/, '/')])
    .filter(([, prefix]) => path.startsWith(prefix))
    .sort(([, one], [, other]) => other.length - one.length);
  if (fitting.length === 0) throw new Error('the host has given no folder for it');
  const [[folder, prefix]] = fitting;
  const inside = path.slice(prefix.length);
  return folder.openAt({ symlinkFollow: true }, inside, {}, { read: true });
}

function joined(chunks, size) {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

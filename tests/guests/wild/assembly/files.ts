// Reads files below the first folder that WASI gives.

import {
  fd_close, fd_filestat_get, fd_read, filestat, path_open, oflags, rights,
} from "@assemblyscript/wasi-shim/assembly/bindings/wasi_snapshot_preview1";

const scratch = memory.data(16);
const stat = memory.data(offsetof<filestat>(), 8);

export function readFile(path: string): ArrayBuffer {
  const name = String.UTF8.encode(path);
  const address = changetype<usize>(name);
  if (path_open(3, 0, address, name.byteLength, <oflags>0, rights.FD_READ | rights.FD_FILESTAT_GET, 0, 0, scratch))
    throw new Error("cannot open " + path);
  const file = load<u32>(scratch);
  fd_filestat_get(file, changetype<filestat>(stat));
  const data = new ArrayBuffer(<i32>changetype<filestat>(stat).size);
  store<u32>(scratch, changetype<usize>(data));
  store<u32>(scratch, data.byteLength, 4);
  if (fd_read(file, scratch, 1, scratch + 8) || load<u32>(scratch, 8) != data.byteLength)
    throw new Error("cannot read " + path);
  fd_close(file);
  return data;
}

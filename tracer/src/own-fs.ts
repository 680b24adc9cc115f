// Files are read and written with the functions that Node had when the tracer came: a program or a test that puts others
// in their place neither sees our calls nor answers them.
import fs from "node:fs";

export const {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} = fs;

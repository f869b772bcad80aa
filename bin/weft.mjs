#!/usr/bin/env node
// Kept to syntax that a Node of years ago can read, so that it can say it is too old.
const major = Number(process.versions.node.split(".")[0]);
if (major < 20) {
  console.error(`weft: needs Node 20 or newer to begin with, this is ${process.version}; install Node 24`);
  process.exitCode = 1;
} else {
  import("./launcher/main.mjs").then(({ main }) => main());
}

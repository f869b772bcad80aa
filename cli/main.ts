import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Before anything large is loaded: from the second command on, Node finds our sources compiled, types gone.
// Where it may not write, in a container for instance, it does without.
enableCompileCache(join(import.meta.dirname, "..", ".weft", "cache", "compiled"));
const { carryOut } = await import("./command-line.ts");
const { outliveReader } = await import("./terminal.ts");
outliveReader();

const [, , name = "help", ...rest] = process.argv;
process.exitCode = await carryOut(name, rest);
// What a command left open by mistake must not hold the process; what it wrote gets out first.
setTimeout(() => process.exit(), 3000).unref();

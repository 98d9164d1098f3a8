// Bundles the pages' scripts and styles, their fonts and the world map into static/dist. Run by `npm run build`.
import { build } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { worldSvg } from "./world.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "dist");
const require = createRequire(import.meta.url);

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  entryPoints: { app: join(here, "js/app.js") },
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022"],
  minify: true,
  chunkNames: "chunk-[hash]",
  logLevel: "warning",
});
await build({
  entryPoints: { app: join(here, "css/dist.css") },
  outdir: out,
  bundle: true,
  minify: true,
  target: ["chrome111", "firefox113", "safari16.4"],
  loader: { ".woff2": "file" },
  assetNames: "[name]-[hash]",
  logLevel: "warning",
});
const topology = JSON.parse(await readFile(require.resolve("world-atlas/countries-50m.json"), "utf8"));
await writeFile(join(out, "world.svg"), worldSvg(topology));

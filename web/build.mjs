/**
 * Builds every page into `dist/`: shop, widget and console as folders of their own (relative addresses, so each can
 * be served from anywhere) and the loader as the one file `widget.js`. Ends with the weight of each; a widget heavier
 * than its limit fails the build.
 */
import { readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, "dist");
/** Built here and swapped in at the end: pages that are being served stay whole, and survive a failed build. */
const DRAFT = join(DIST, ".draft");
const LIMITS_KB = { "widget.js": 4, widget: 45 };

const common = { configFile: false, logLevel: "warn", publicDir: false };

async function page(name) {
  await build({
    ...common,
    root: join(HERE, name),
    base: "./",
    build: {
      outDir: join(DRAFT, name),
      emptyOutDir: true,
      target: "es2022",
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  });
}

async function loader() {
  await build({
    ...common,
    root: HERE,
    build: {
      outDir: DRAFT,
      emptyOutDir: false,
      target: "es2022",
      reportCompressedSize: false,
      lib: { entry: join(HERE, "widget/loader/loader.ts"), formats: ["iife"], name: "_", fileName: () => "widget.js" },
    },
  });
}

function weight(path) {
  const files = path.endsWith(".js")
    ? [path]
    : readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0) / 1024;
}

const MADE = ["widget.js", "widget", "shop", "console"];
rmSync(DRAFT, { recursive: true, force: true });
for (const name of ["shop", "widget", "console"]) await page(name);
await loader();
let heavy = false;
for (const name of MADE) {
  const kb = weight(join(DRAFT, name));
  const limit = LIMITS_KB[name];
  heavy ||= limit !== undefined && kb > limit;
  console.log(`${name.padEnd(10)} ${kb.toFixed(1).padStart(6)} KB gzip${limit ? ` (at most ${limit})` : ""}`);
}
if (heavy) {
  console.error("web: the widget got too heavy; see the weights above.");
  process.exit(1);
}
for (const name of MADE) {
  rmSync(join(DIST, name), { recursive: true, force: true });
  renameSync(join(DRAFT, name), join(DIST, name));
}
rmSync(DRAFT, { recursive: true, force: true });

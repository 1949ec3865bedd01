import { fileURLToPath } from "node:url"
import { defineConfig } from "vite"

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: process.env.WUXING_PAGE_OUT ?? "../built",
    emptyOutDir: true,
    // The page's policy allows its own files and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    // Of what is in it.
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      output: {
        codeSplitting: false,
        // The built page is kept in the repository: names that stay.
        entryFileNames: "page.js",
        assetFileNames: "[name][extname]",
      },
    },
  },
})

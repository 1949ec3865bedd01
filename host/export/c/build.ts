/** `npm run library:c`: writes the C library made of src/core into built/, where `wuxing export` takes it from. */
import { mkdirSync, writeFileSync } from "node:fs"
import { BUILT } from "./built"
import { librarySource } from "./library-source"

mkdirSync(new URL(".", BUILT), { recursive: true })
writeFileSync(BUILT, librarySource())

/** `npm run library:c`: writes the C library made of src/ into built/, where `wuxing export` takes it from. */
import { mkdirSync, writeFileSync } from "node:fs"
import { BUILT, BUILT_FEATURES, BUILT_SPIKING } from "./built"
import { featuresSource } from "./features-source"
import { librarySource } from "./library-source"
import { spikingSource } from "./spiking-source"

mkdirSync(new URL(".", BUILT), { recursive: true })
writeFileSync(BUILT, librarySource())
writeFileSync(BUILT_FEATURES, featuresSource())
writeFileSync(BUILT_SPIKING, spikingSource())

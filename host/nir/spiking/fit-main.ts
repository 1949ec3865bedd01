/** `npm run spiking:fit`: fits the rings of all presets by rectified pieces and keeps the result. */
import { writeFileSync } from "node:fs"
import { FITS_FILE, fitPresets } from "./ring-fits"

const fits = fitPresets(({ shape, direct, fit }) => {
  const { inputs, outputFirst, outputs, steps } = shape
  console.log(
    `${inputs} synapses, signals ${outputFirst}…${outputFirst + outputs - 1}, ${steps} steps, ${fit.bias.length} pieces${direct ? " and a direct part" : ""}: rms ${fit.rms.join(", ")}, worst ${fit.worst.join(", ")}`,
  )
})
writeFileSync(FITS_FILE, `${JSON.stringify(fits, null, 1)}\n`)

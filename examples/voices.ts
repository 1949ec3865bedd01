/**
 * The ten digits as some 630 synthetic voices speak them: flite's five voices, three of Festival's, and
 * espeak-ng's in kinds of English and with the accents of fifteen languages (the words are spelt as their
 * speakers would say them), each at a speed and pitch of its own. For learning beside few real speakers
 * (docs/signals.md, "One speaker left out").
 *
 *     npx tsx examples/voices.ts digits          6,300 files digits/7_flite12.wav …
 *     npx tsx examples/voices.ts digits 10       a tenth of them
 *
 * Needs the Debian packages flite, festival with festvox-kallpc16k, festvox-kdlpc16k and
 * festvox-us-slt-hts, and espeak-ng. Files that exist are left as they are.
 */
import { execFile, execFileSync } from "node:child_process"
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { hash32 } from "../src/base/random"

const ENGLISH = "zero one two three four five six seven eight nine".split(" ")
const ENDS = [".", ".", ".", ",", "?", "!", ""]
/** flite's voices: how many speakers are made of each, and its usual pitch in Hz. */
const FLITE = { kal: [12, 95], kal16: [12, 95], awb: [28, 130], rms: [28, 100], slt: [28, 180] }
const FESTIVAL = ["kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts"]
const FESTIVAL_EACH = 14
const ESPEAK_ENGLISH = 330
const ESPEAK_ACCENTS = 150
const KINDS = [
  ...["en-us", "en-us", "en-us", "en-gb", "en-gb", "en-gb-scotland", "en-gb-x-rp"],
  ...["en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc"],
]
/** How speakers of these would spell the English words. */
const ACCENTS: Record<string, string> = {
  de: "siero uann tu ßrie fohr feif ßicks ßewenn eht nein",
  fr: "zirau ouane tou sri faure faïve sixe sévenne eïte naïne",
  it: "ziro uan tu zri for faiv sics seven eit nain",
  nl: "ziero wan toe srie foor faif siks seven eet nain",
  es: "siro uan tu tri for faiv sics seven eit nain",
  pl: "ziro łan tu tri for fajw siks sewen ejt najn",
  fi: "ziro uan tuu srii foor faiv siks seven eit nain",
  sv: "siro oann to tri får fajv six seven ejt najn",
  "pt-br": "ziro uan tu tri fór faiv sics séven eit nain",
  cs: "zírou uan tú srí fór fajv siks seven ejt najn",
  tr: "ziro van tu tri for fayv siks sevın eyt nayn",
  hu: "ziró uan tú szrí fór fájv sziksz szeven éjt nájn",
  id: "ziro wan tu tri for faiv siks seven eit nain",
  ro: "ziro uan tu tri for faiv sics seven eit nain",
  el: "ζίρο γουάν του θρι φορ φάιβ σιξ σέβεν έιτ νάιν",
}
/** Variants of espeak-ng that are no voices of people. */
const NO_VOICES = new Set("announcer fast Demonic UniRobot whisper whisperf anikaRobot".split(" "))

let drawn = 0
/** 0…1, evenly. */
const draw = () => (hash32(7, drawn++) >>> 0) / 2 ** 32
const within = (low: number, high: number) => low + (high - low) * draw()
const oneOf = <T>(values: T[]): T => values[Math.floor(draw() * values.length)]

/** What makes a file, given where it is to be. */
type Job = { file: string; command: (path: string) => [string, string[]] }

function fliteJobs(): Job[] {
  return Object.entries(FLITE).flatMap(([voice, [speakers, hertz]]) =>
    Array.from({ length: speakers }, (_, k) => {
      const settings = [
        `duration_stretch=${within(0.65, 1.35).toFixed(3)}`,
        `int_f0_target_mean=${(hertz * 2 ** within(-0.5, 0.6)).toFixed(1)}`,
        `int_f0_target_stddev=${within(5, 30).toFixed(1)}`,
      ].flatMap(setting => ["--setf", setting])
      const end = oneOf(ENDS)
      return ENGLISH.map(
        (word, digit): Job => ({
          file: `${digit}_flite-${voice}${k}.wav`,
          command: path => ["flite", ["-voice", voice, ...settings, "-t", word + end, path]],
        }),
      )
    }).flat(),
  )
}

function espeakJobs(): Job[] {
  const variants = execFileSync("espeak-ng", ["--voices=variant"], { encoding: "utf8" })
    .split("\n")
    .flatMap(line => /!v\/(.+?)\s*(?:\s{2}|\(|$)/.exec(line)?.[1].trim() ?? [])
    .filter(name => !NO_VOICES.has(name))
  return Array.from({ length: ESPEAK_ENGLISH + ESPEAK_ACCENTS }, (_, k) => {
    const english = k < ESPEAK_ENGLISH
    const language = oneOf(english ? KINDS : Object.keys(ACCENTS))
    const words = english ? ENGLISH : ACCENTS[language].split(" ")
    const voice = `${language}+${oneOf(variants)}`
    const how = ["-s", String(Math.round(within(95, 210))), "-p", String(Math.round(within(5, 85)))]
    const end = oneOf(ENDS)
    return words.map(
      (word, digit): Job => ({
        file: `${digit}_espeak${k}.wav`,
        command: path => ["espeak-ng", ["-v", voice, ...how, "-w", path, word + end]],
      }),
    )
  }).flat()
}

/** Festival takes long to start, so it speaks all of a speaker's digits at once: its program, and the files of it. */
function festivalPrograms(folder: string): { program: string; files: string[] }[] {
  return FESTIVAL.flatMap(voice =>
    Array.from({ length: FESTIVAL_EACH }, (_, k) => {
      const files = ENGLISH.map((_, digit) => join(folder, `${digit}_festival-${voice}${k}.wav`))
      const pitch = `(set! int_lr_params '((target_f0_mean ${Math.round(within(80, 170))}) (target_f0_std ${Math.round(within(8, 25))}) (model_f0_mean 170) (model_f0_std 34)))`
      const program = [
        `(voice_${voice})`,
        `(Parameter.set 'Duration_Stretch ${within(0.7, 1.3).toFixed(3)})`,
        // The other has a model of pitch of its own.
        ...(voice.endsWith("hts") ? [] : [pitch]),
        ...ENGLISH.map(
          (word, digit) =>
            `(utt.save.wave (utt.synth (Utterance Text "${word}.")) "${files[digit]}" 'riff)`,
        ),
      ].join("\n")
      return { program, files }
    }),
  )
}

function run(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(command, args, error => {
      if (error) reject(error)
      else resolve()
    })
  })
}

async function main([folder, part = "1"]: string[]): Promise<void> {
  if (!folder || !/^[1-9]\d*$/.test(part)) {
    console.error("npx tsx examples/voices.ts FOLDER [one speaker of so many]")
    process.exitCode = 2
    return
  }
  mkdirSync(folder, { recursive: true })
  const every = Number(part)
  // Ten files a speaker, of which all are made or none.
  const jobs = [...fliteJobs(), ...espeakJobs()].filter((_, i) => Math.floor(i / 10) % every === 0)
  let made = 0
  const next = jobs[Symbol.iterator]()
  const speak = async () => {
    for (const { file, command } of next) {
      const path = join(folder, file)
      if (existsSync(path)) continue
      const part = join(folder, `.${file}`)
      await run(...command(part))
      renameSync(part, path)
      made++
      if (made % 500 === 0) console.log(`${made} files`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, speak))
  const script = join(folder, ".festival.scm")
  const programs = festivalPrograms(folder).filter((_, k) => k % every === 0)
  const missing = programs.filter(({ files }) => !files.every(file => existsSync(file)))
  if (missing.length > 0) {
    writeFileSync(script, missing.map(({ program }) => program).join("\n"))
    await run("festival", ["-b", script])
    rmSync(script)
    made += 10 * missing.length
  }
  console.log(`${made} files made in ${folder}`)
}

await main(process.argv.slice(2))

/** A network as a C library with its model, laid out for one of the ways people build programs. */
import { packageVersion } from "../../base/package-version"
import type { Model } from "../../models/model-file"
import { HostNetwork } from "../../network/host-network"
import { builtFeatures, builtLibrary, template } from "./built"
import { roomOn } from "./fits"
import { type CModel, modelSource } from "./model-source"
import type { CLayout } from "./options"
import { fnv1a, wrapped } from "./text"

/** A sample that goes with the export, to try it by. */
export interface StoredSample {
  /** A byte an input. */
  inputs: Uint8Array
  /** Its class, from 0. */
  label: number
  /** What the inputs are the features of, where the network reads a signal: i16, channels interleaved. */
  signal?: Uint8Array
}

export interface CExport {
  /** By path within the folder. */
  files: Map<string, string>
  model: CModel
}

export interface CExportOptions {
  layout: CLayout
  /** A C identifier in lower case. */
  name: string
  classes: string[]
  samples: StoredSample[]
  /** Leave the example out that learns: there is no memory for it. */
  predictsOnly?: boolean
}

/** @param model must fit (fits.ts) */
export function exportC(model: Model, options: CExportOptions): CExport {
  const { name, classes } = options
  const made = modelSource(model, name, classes)
  const header = template("wuxing.h")
    .replace("VERSION", packageVersion())
    .replace("#define WUXING_RINGS 31", `#define WUXING_RINGS ${made.rings}`)
  const library: [string, string][] = [
    ["wuxing.h", header],
    ["wuxing.c", builtLibrary()],
    [`${name}.h`, made.header],
    [`${name}.c`, made.code],
  ]
  if (made.signal) {
    const features = template("wuxing_features.h")
      .replace("VERSION", packageVersion())
      .replace("#define WUXING_FEATURES 7", `#define WUXING_FEATURES ${made.signal.kinds}`)
      .replaceAll(/\bMODEL_|\bmodel_(?=plan|stream)/g, text =>
        text === "MODEL_" ? `${name.toUpperCase()}_` : `${name}_`,
      )
    library.push(["wuxing_features.h", features], ["wuxing_features.c", builtFeatures()])
  }
  const samples = samplesHeader(model, made, options.samples)
  return { files: laidOut(library, samples, made, options), model: made }
}

/**
 * @param library wuxing.h, wuxing.c and what belongs to them, and the model's two files
 * @param samples text of samples.h
 */
export function laidOut(
  library: [string, string][],
  samples: string,
  made: CModel,
  options: CExportOptions,
): Map<string, string> {
  const { layout, name } = options
  const predictsOnly = options.predictsOnly || made.learnBytes === 0
  const fill = (text: string) =>
    text
      .replaceAll("@name@", name)
      .replaceAll("@NAME@", name.toUpperCase())
      .replaceAll("@inputs@", `${made.inputs}`)
  const sources = library.map(([path]) => path).filter(path => path.endsWith(".c"))
  const files = new Map<string, string>()
  const put = (folder: string, list: [string, string][]) => {
    for (const [path, text] of list) files.set(folder + path, text)
  }
  if (layout === "plain") {
    put("", library)
    put("", [
      ["samples.h", samples],
      ["main.c", fill(template("main.c"))],
      [
        "CMakeLists.txt",
        fill(template("CMakeLists.plain.txt")).replace("@sources@", sources.join(" ")),
      ],
    ])
  } else if (layout === "esp-idf") {
    put(
      "include/",
      library.filter(([path]) => path.endsWith(".h")),
    )
    put(
      "",
      library.filter(([path]) => path.endsWith(".c")),
    )
    put("", [
      [
        "CMakeLists.txt",
        `idf_component_register(SRCS ${sources.map(path => `"${path}"`).join(" ")} INCLUDE_DIRS "include")\n`,
      ],
      [
        "idf_component.yml",
        `version: "${packageVersion()}"\ndescription: The network ${name}, which ${made.learnBytes > 0 ? "names and learns" : "names"}, in fixed point\nlicense: MIT\ndependencies:\n  idf: ">=4.4"\n`,
      ],
    ])
    put(`examples/${predictsOnly ? "predict" : "learn"}/`, [
      [
        "CMakeLists.txt",
        `cmake_minimum_required(VERSION 3.16)\nset(EXTRA_COMPONENT_DIRS ../..)\ninclude($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(${name})\n`,
      ],
      ["main/CMakeLists.txt", `idf_component_register(SRCS "main.c" INCLUDE_DIRS ".")\n`],
      ["main/main.c", fill(template("esp-main.c"))],
      ["main/samples.h", samples],
    ])
  } else {
    const first = made.signal ? "Signal" : "Gesture"
    const examples: [string, string][] = [[first, fill(template(`${first}.ino`))]]
    if (!predictsOnly) examples.push(["LearnOnline", fill(template("LearnOnline.ino"))])
    if (layout === "arduino") {
      put("src/", library)
      for (const [example, text] of examples)
        put(`examples/${example}/`, [
          [`${example}.ino`, text],
          ["samples.h", samples],
        ])
      put("", [
        ["library.properties", libraryProperties(made)],
        ["keywords.txt", keywords(made)],
      ])
    } else {
      put(`lib/${name}/src/`, library)
      put(`lib/${name}/`, [["library.json", libraryJson(made)]])
      const [, text] = examples.at(-1)!
      put("src/", [
        ["main.cpp", `#include <Arduino.h>\n\n${text}`],
        ["samples.h", samples],
      ])
      const onUno = roomOn("uno", made)
      const fits = onUno === "learns" || (onUno === "predicts" && predictsOnly)
      put("", [["platformio.ini", platformio(fits ? ["uno", "pico"] : ["pico"])]])
    }
  }
  return files
}

/** `pio run` builds for all boards that are listed, so these have room for the network. */
function platformio(boards: ("uno" | "pico")[]): string {
  const platforms = { uno: "atmelavr", pico: "raspberrypi" }
  const sections = boards.map(
    board =>
      `[env:${board}]\nplatform = ${platforms[board]}\nboard = ${board}\nframework = arduino\n`,
  )
  return `; Any board that PlatformIO knows for Arduino; add yours as it lists it.\n${sections.join("\n")}`
}

/** What a library's lists say of it. */
function aboutOf({ name, learnBytes }: CModel): string {
  return `The network ${name}: names what it is shown${learnBytes > 0 ? " and goes on learning" : ""}`
}

function libraryProperties(made: CModel): string {
  const { name } = made
  return [
    `name=Wuxing_${name}`,
    `version=${packageVersion()}`,
    "author=Wuxing",
    "maintainer=Wuxing",
    `sentence=${aboutOf(made)}.`,
    "paragraph=A neural network in fixed point whose neurons are rings of differential equations.",
    "category=Data Processing",
    "url=https://www.arduino.cc",
    "architectures=*",
    `includes=${name}.h`,
    "",
  ].join("\n")
}

function libraryJson(made: CModel): string {
  const { name } = made
  const content = {
    name,
    version: packageVersion(),
    description: aboutOf(made),
    license: "MIT",
    frameworks: "*",
    platforms: "*",
    headers: [`${name}.h`],
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

function keywords({ name, signal, learnBytes }: CModel): string {
  const learning = learnBytes > 0 ? ["learn", "state"] : []
  const functions = ["init", "predict", ...learning, "size", "output", "lead"]
  if (signal) functions.push("features", "stream_init", "stream_put")
  const types = ["wuxing", "wuxing_model", ...(signal ? ["wuxing_stream"] : [])]
  const constants = ["model", "labels", ...(signal ? ["plan", "stream"] : [])]
  return [
    ...types.map(type => `${type}\tKEYWORD1`),
    ...functions.map(called => `wuxing_${called}\tKEYWORD2`),
    ...constants.map(constant => `${name}_${constant}\tLITERAL1`),
    "",
  ].join("\n")
}

/** Samples, what the host names of them, and a hash of what it has learnt after each once. */
function samplesHeader(model: Model, made: CModel, samples: StoredSample[]): string {
  const { name, signal } = made
  const upper = name.toUpperCase()
  const host = new HostNetwork(model.network)
  const elements = Buffer.alloc(0)
  host.load(Buffer.from(model.coefficients), elements)
  const named = samples.map(({ inputs }) => host.predict(inputs))
  if (made.learnBytes > 0) for (const { inputs, label } of samples) host.train(inputs, label)
  const channels = model.signal?.features.channels.length ?? 1
  const windows = samples.map(sample => Buffer.from(sample.signal ?? []))
  const counts = windows.map(window => window.length / 2 / channels)
  const rows = samples.map(({ inputs, label }, i) => {
    const numbers = `{${[...inputs].join(", ")}}`
    return signal
      ? `  {${label}, ${named[i]}, ${counts[i]}, signal_${i}, ${numbers}},`
      : `  {${label}, ${named[i]}, ${numbers}},`
  })
  const signals = windows.map((window, i) => {
    const values = Array.from({ length: window.length / 2 }, (_, k) => window.readInt16LE(2 * k))
    return `static const int16_t signal_${i}[${values.length}] WUXING_FLASH = {\n${wrapped(values)}\n};`
  })
  const stream = signal && model.signal?.features.cut ? `${upper}_STREAM_SAMPLES` : "0"
  const longest = Math.max(...counts)
  const hash = made.learnBytes > 0 ? learntHash(model, host) : fnv1a(Buffer.alloc(0))
  const windowed = signal
    ? `
/* Samples of the longest window: of these, or of the stream. */
#define WINDOW_SAMPLES (${stream} > ${longest} ? ${stream} : ${longest})

${signals.join("\n")}
`
    : ""
  return `/* Samples to try ${name} by: class, what the host names,${signal ? " samples and numbers of the signal," : ""} inputs. Generated by \`wuxing export\`. */
#ifndef WUXING_SAMPLES_H
#define WUXING_SAMPLES_H

#include "${name}.h"

#define SAMPLES ${samples.length}
/* FNV-1a of wuxing_state after each was learnt once, in order; of nothing where the network cannot learn. */
#define LEARNT_HASH 0x${hash.toString(16).padStart(8, "0")}u
${windowed}
static const struct {
  int16_t label, host;
${signal ? "  uint16_t count;\n  const int16_t *signal;\n" : ""}  uint8_t inputs[${upper}_INPUTS];
} samples[SAMPLES] WUXING_FLASH = {
${rows.join("\n")}
};

#endif
`
}

/** Hash of what wuxing_state gives on a machine that has learnt what this host's network has: FNV-1a. */
export function learntHash(model: Model, host: HostNetwork): number {
  const state = modelSource(
    { ...model, coefficients: host.coefficients() },
    "model",
    Array.from({ length: model.network.layers.at(-1)!.neurons }, (_, i) => `${i}`),
  ).coefficients
  const samples = Buffer.alloc(4)
  samples.writeUInt32LE(host.samples)
  return fnv1a(Buffer.concat([samples, state]))
}

/** Sixty updates a second of model1 learning on seven boards, recorded once and given to pages. */
import type { Browser, Page } from "playwright-core"
import { VirtualClock } from "../../../host/base/clock"
import { Hub } from "../../../host/dashboard/hub"
import type { FromPage, ToPage } from "../../../host/dashboard/messages"
import { DashboardServer } from "../../../host/dashboard/server"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { HostNetwork } from "../../../host/network/host-network"
import { model1 } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"

export const CHROMIUM = "/usr/bin/chromium"
const BOARDS = 7
/** Updates a second, and for how long. */
export const UPDATES = 60
export const SECONDS = 3
/** The neuron looked into, of the first layer. */
const NEURON = 400

export interface Recording {
  welcome: ToPage[]
  /** What comes with each update. */
  stream: ToPage[][]
}

/** What a page is told while model1 learns an image every sixtieth of a second of virtual time. */
export async function record(): Promise<Recording> {
  const network = model1(1)
  const { train } = readMnist(process.env.WUXING_MNIST)
  const host = new HostNetwork(network)
  const shares = splitEvenly(network, BOARDS)
  const clock = new VirtualClock()
  let samples = 0
  const hub = new Hub({ clock, network, classes: Array.from("0123456789") })
  await hub.attach({
    shares,
    recoveries: 0,
    partTimes: ["forward, layer 1", "forward, layer 2", "back, layer 4"].map((name, i) => ({
      name,
      ms: 3 + i,
    })),
    learnShifts: { links: network.learnShift },
    live: () =>
      shares.map((_, i) => ({
        ...{ title: `board ${i} (virtual)`, share: 1 / BOARDS, samples, messages: 5 * samples },
        ...{ fromBoard: 2 * samples, toBoard: 3 * samples, errors: 0, silentSeconds: 0.01 },
      })),
    boards: async () =>
      shares.map((_, i) => ({
        ...{ id: String(i), profile: "virtual", neurons: 180, links: 673, heapBytes: 48_000 },
      })),
  })
  hub.saved({ samples: 0, coefficients: host.coefficients(), elements: host.elements() })
  let heard: ToPage[] = []
  const visitor = hub.visit(message => heard.push(message))
  const welcome = heard
  visitor.ask({ type: "look", layer: 1, neuron: NEURON })
  const stream: ToPage[][] = []
  for (; samples < UPDATES * SECONDS; samples++) {
    heard = []
    const [image, label] = [imageAt(train, samples), train.labels[samples]]
    const named = host.train(image, label)
    hub.learnt(image, named, label, named !== label)
    await clock.run(clock.sleep(1000 / UPDATES + 0.1))
    stream.push(heard)
  }
  await hub.close()
  return { welcome, stream }
}

/** A server whose newest page gets what `send` is given, after a welcome; `heard` is told what pages ask. */
export async function serve(
  welcome: () => ToPage[],
  heard: (message: FromPage) => void = () => {},
): Promise<{ server: DashboardServer; send(message: ToPage): void }> {
  let toPage: (message: ToPage) => void = () => {}
  const server = await DashboardServer.start({
    ...{ host: "127.0.0.1", port: 0, token: "a-token-of-the-tests" },
    hub: {
      visit: to => {
        toPage = to
        for (const message of welcome()) to(message)
        return { ask: heard, leave: () => {}, renew: () => {} }
      },
    },
  })
  return { server, send: message => toPage(message) }
}

/** A page that shows the recorded network, its neuron looked into. */
export async function openPage(browser: Browser, url: string, script?: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  if (script !== undefined) await page.addInitScript(script)
  await page.goto(url)
  await page.getByTestId("neuron").fill(String(NEURON))
  return page
}

/** Half of a third of all runs with a fault at a frame (`npm run faults` runs them all). */
import { sweepTest } from "./sweep-share"

sweepTest(0, 2)

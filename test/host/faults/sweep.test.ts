/** A fixed part of all runs with a fault at a frame: every 31st (`npm run faults` runs them all). */
import { sweepTest } from "./sweep-share"

sweepTest(0, 31)

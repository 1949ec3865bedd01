/** With sweep-more.test.ts, which runs beside it, every third of all runs with a fault at a frame. */
import { sweepTest } from "./sweep-share"

sweepTest(0, 6)

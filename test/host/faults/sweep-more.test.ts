/** The other half of what sweep.test.ts runs. */
import { sweepTest } from "./sweep-share"

sweepTest(3, 6)

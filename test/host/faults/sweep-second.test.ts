/** The other half of that third. */
import { sweepTest } from "./sweep-share"

sweepTest(1, 2)

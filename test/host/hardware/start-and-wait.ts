/** A host of its own for the tests: starts a virtual board, names it, and waits to be ended. */
import { VirtualBoards } from "../../../host/hardware/virtual-boards"

const boards = await VirtualBoards.start(1)
console.log(JSON.stringify(boards.info))
if (process.argv[2] === "exit") process.exit(0)

/** All rows, in the order of the report. */
import { addersRow } from "./adders"
import { alignmentRow } from "./alignment"
import { backpropagationRow } from "./backpropagation"
import { depthRow } from "./depth"
import { feedbackRow } from "./feedback"
import { fixedPointRow } from "./fixed-point"
import { fourBitsRow } from "./four-bits"
import { linkRatioRow } from "./link-ratio"
import { methodOneRow, methodsRow } from "./methods"
import { modelsRow } from "./models"
import { noiseRow } from "./noise"
import { ownDataRow } from "./own-data"
import { ringSizeRow } from "./ring-size"
import type { Row } from "./row"
import { seedsRow } from "./seeds"
import { sequencesRow } from "./sequences"
import { speakersRow } from "./speakers"
import { storingRow } from "./storing"
import { windowsRow } from "./windows"

export const rows: Row[] = [
  fixedPointRow,
  storingRow,
  methodOneRow,
  methodsRow,
  linkRatioRow,
  modelsRow,
  addersRow,
  alignmentRow,
  ringSizeRow,
  depthRow,
  noiseRow,
  backpropagationRow,
  ownDataRow,
  windowsRow,
  feedbackRow,
  seedsRow,
  sequencesRow,
  fourBitsRow,
  speakersRow,
]

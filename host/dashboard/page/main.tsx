import { render } from "preact"
import "uplot/dist/uPlot.min.css"
import "./style.css"
import { connect } from "./connection"
import { Page } from "./page"

const root = document.getElementById("page")
if (root) render(<Page />, root)
connect()

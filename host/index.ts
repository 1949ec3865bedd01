export { WuxingError } from "./errors"

// Package bench measures what the speed budget says of whole processes, as ratios in one
// run: process start, idle memory, a whole login, and the cost at many clients.
// docs/performance.md has the figures and the command.
//
//	bare     a functions-framework program that answers "ok"
//	needed   one that does what a login cannot do without
package bench

// Package bench measures what the speed budget says of whole processes, as ratios in one
// run. Each side is a process with a core of its own, the loader and what stands behind have
// the other; ready-made requests go over connections that are kept, in turns, and each figure
// is the median of the rounds. docs/performance.md has the figures and the commands.
//
//	echo     a tool author's function      sdk      the SDK's server with the same tool
//	reverse  a bare reverse proxy          bare     a functions-framework program that answers "ok"
//	needed   one that does what a login cannot do without
//
//	remembered   the token function over records in memory
package bench

package boot

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// growth is by how much, in percent of what lives, a function's heap may grow before it is
// collected. Go's own 100 is for programs that share a machine: a function that lives on five
// megabytes collects every few calls with it, and uses a tenth of the memory that is paid for.
const growth = 400

// limits are the files in which a container finds the memory that it may use, in bytes or as
// "max": of control groups version 2, and of version 1.
var limits = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// tuneCollector sets Go's garbage collector for a process that has a container to itself, unless
// the operator has set it (GOGC, GOMEMLIMIT). Where no limit is known nothing is changed: a
// heap that grows more without one could take everything.
func tuneCollector(lookup func(string) (string, bool), files []string) {
	_, grows := lookup("GOGC")
	_, limited := lookup("GOMEMLIMIT")
	if !limited {
		limit := memoryLimit(files)
		if limit == 0 {
			return
		}
		debug.SetMemoryLimit(limit / 10 * 9) // the rest is for what is not Go's: the program's text, its files
	}
	if !grows {
		debug.SetGCPercent(growth)
	}
}

// unlimited is less than version 1 says where there is no limit, in bytes.
const unlimited = 1 << 50

// memoryLimit returns the container's limit in bytes, 0 if none is known.
func memoryLimit(files []string) int64 {
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && limit > 0 && limit < unlimited {
			return limit
		}
	}
	return 0
}

package boot

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// The collector is set for the container's memory, and never against the operator's word. The
// settings are the process's own, so the test runs alone.
func TestCollectorIsSetForTheContainersMemory(t *testing.T) {
	const container = 256 << 20
	for name, c := range map[string]struct {
		file   string
		env    map[string]string
		growth int
		limit  int64
	}{
		"a limit":              {file: "268435456\n", growth: growth, limit: container / 10 * 9},
		"no limit":             {file: "max\n", growth: 100, limit: math.MaxInt64},
		"version 1's no limit": {file: "9223372036854771712\n", growth: 100, limit: math.MaxInt64},
		"no container":         {growth: 100, limit: math.MaxInt64},
		"GOGC is set": {
			file: "268435456\n", env: map[string]string{"GOGC": "100"}, growth: 100, limit: container / 10 * 9,
		},
		"GOMEMLIMIT is set": {
			file: "268435456\n", env: map[string]string{"GOMEMLIMIT": "1GiB"}, growth: growth, limit: math.MaxInt64,
		},
	} {
		t.Run(name, func(t *testing.T) {
			growthBefore, limitBefore := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
			defer debug.SetGCPercent(growthBefore)
			defer debug.SetMemoryLimit(limitBefore)
			file := filepath.Join(t.TempDir(), "memory.max")
			if c.file != "" {
				if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			lookup := func(name string) (string, bool) {
				v, ok := c.env[name]
				return v, ok
			}
			tuneCollector(lookup, []string{file + "-of-version-2", file})
			if got := debug.SetMemoryLimit(-1); got != c.limit {
				t.Errorf("limit: got %d, want %d", got, c.limit)
			}
			if got := debug.SetGCPercent(100); got != c.growth {
				t.Errorf("growth: got %d, want %d", got, c.growth)
			}
		})
	}
}

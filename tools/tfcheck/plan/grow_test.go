package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
)

// costRow is a row of the table of docs/grow.md: functions, megabytes, dollars.
var costRow = regexp.MustCompile(`(?m)^\| ([a-z, ]+) \| (\d+) MB \| about ([0-9.]+) \|$`)

// TestAnInstanceThatIsAlwaysThereCostsWhatTheDocsSay: instances gives each function its min, and docs/grow.md says of
// each what that costs with the memory it has.
func TestAnInstanceThatIsAlwaysThereCostsWhatTheDocsSay(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "grow.md"))
	if err != nil {
		t.Fatal(err)
	}
	memory := map[string]string{} // as the table has it
	for _, row := range costRow.FindAllStringSubmatch(string(data), -1) {
		megabytes, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		const perSecond, month = 0.0000025, 30 * 24 * 60 * 60 // a CPU, or a GiB, that waits
		if want := fmt.Sprintf("%.1f0", perSecond*month*(1+megabytes/1024)); row[3] != want {
			t.Errorf("%s: about %s a month, want %s", row[1], row[3], want)
		}
		for name := range strings.SplitSeq(strings.TrimSuffix(row[1], ", each"), ", ") {
			memory[name] = row[2] + "M"
		}
	}
	s := newSpace(t)
	_, packages := s.packages()
	state := filepath.Join(s.tmp, "min.tfstate")
	s.writeState(state)
	names := manifest.Names(manifest.HTTP)
	var mins []string
	for i, name := range names {
		mins = append(mins, fmt.Sprintf("%s = { min = %d }", name, i+1))
	}
	p := s.plan(state, append(settings, packages, "instances={"+strings.Join(mins, ", ")+"}")...)
	functions := p.functions(t)
	for i, name := range names {
		config := at(functions[name].Values, "service_config")
		if got := at(config, "min_instance_count"); got != float64(i+1) {
			t.Errorf("%s: min_instance_count is %v, want %d", name, got, i+1)
		}
		if got := str(config, "available_memory"); memory[name] != got {
			t.Errorf("%s: docs/grow.md has %q, want %q", name, memory[name], got)
		}
	}
}

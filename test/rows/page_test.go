package rows

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the pages of rows and the series of ids that each holds. A series of two
// letters or more is written CD-01, one of a single letter A1.
var pages = map[string][]string{
	"docs/threats.md": {
		"CD", "RU", "AC", "UP", "TE", "RT", "AT", "RG", "SF", "MD", "HT", "WB", "SC", "LG", "MP", "AV", "DP",
	},
	"docs/field-cases.md": {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "W"},
	"docs/mcp-duties.md": {
		"GEN", "PRM", "ASM", "REG", "CIM", "AUZ", "CON", "UPS", "RSP", "TOK", "REV", "INT", "ATK", "CHL", "TRN", "LEG",
		"MOD", "CCH", "MRT", "SUB",
	},
}

// A row is a line of a page's tables. Its state is tested, elsewhere or not built; the
// note is what follows.
type row struct{ id, state, note string }

const header = "| id | what happens | what we do | source | state |"

// readPage returns the rows of a page that holds the given series, and what is wrong
// with their form.
func readPage(text string, series []string) (rows []row, problems []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || line == header || strings.HasPrefix(line, "|--") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case len(cells) != 5 || slices.Contains(cells, ""):
			problem := fmt.Sprintf("%s: got %d cells, want five with something in each", cells[0], len(cells))
			problems = append(problems, problem)
		case !wellFormed(cells[0], series):
			problem := fmt.Sprintf("%s: got an id of no series of this page, want one of %v", cells[0], series)
			problems = append(problems, problem)
		default:
			state, note := readState(cells[4])
			rows = append(rows, row{cells[0], state, note})
		}
	}
	return rows, problems
}

// readState divides "tested; a note", "elsewhere: a file, a note" and "not built: why".
func readState(cell string) (state, note string) {
	i := strings.IndexAny(cell, ":;")
	if i < 0 {
		return cell, ""
	}
	return cell[:i], strings.TrimSpace(cell[i+1:])
}

func wellFormed(id string, series []string) bool {
	m := oneID.FindStringSubmatch(id)
	return m != nil && slices.Contains(series, m[1]+m[3])
}

var oneID = regexp.MustCompile(`^(?:([A-Z]{2,3})-(\d{2})|([A-Z])([1-9]\d?))$`)

func TestReadPage(t *testing.T) {
	t.Parallel()
	rows, problems := readPage(strings.Join([]string{
		"# Title", "", "A line with a | in it.", header, "|---|---|---|---|---|",
		"| CD-01 | x | y | z | tested |",
		"| CD-02 | x | y | z | tested; but for w |",
		"| CD-03 | x | y | z | elsewhere: shared/x_test.go, in part |",
		"| CD-04 | x | y | z | not built: no need |",
		"| CD-5 | x | y | z | tested |",
		"| A1 | x | y | z | tested |",
		"| CD-06 | x | y | | tested |",
		"| CD-07 | x | y | tested |",
	}, "\n"), []string{"CD"})
	want := []row{
		{"CD-01", "tested", ""},
		{"CD-02", "tested", "but for w"},
		{"CD-03", "elsewhere", "shared/x_test.go, in part"},
		{"CD-04", "not built", "no need"},
	}
	if !slices.Equal(rows, want) {
		t.Errorf("rows: got %v, want %v", rows, want)
	}
	wantProblems(t, problems,
		"CD-5: got an id of no series", "A1: got an id of no series", "CD-06: got 5 cells", "CD-07: got 4 cells")
}

// wantProblems wants each problem to begin as said, in any order, and no other.
func wantProblems(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, w := range want {
		i := slices.IndexFunc(got, func(p string) bool { return strings.HasPrefix(p, w) })
		if i < 0 {
			t.Errorf("got no problem %q in %q, want it", w, got)
			continue
		}
		got = slices.Delete(slices.Clone(got), i, i+1)
	}
	for _, p := range got {
		t.Errorf("got problem %q, want none", p)
	}
}

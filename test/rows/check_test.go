package rows

import (
	"fmt"
	"slices"
	"testing"
)

// A mention is a file that names an id.
type mention struct {
	id, file string
	test     bool
}

// check returns what rows and mentions say differently. exists tells whether a path of
// the repository is there.
func check(rows []row, named []mention, exists func(path string) bool) (problems []string) {
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.id] {
			report("%s: got two rows, want one", r.id)
		}
		seen[r.id] = true
		if p := checkState(r, named, exists); p != "" {
			report("%s: %s", r.id, p)
		}
	}
	for _, m := range named {
		if !seen[m.id] {
			report("%s: got no row for the id in %s, want one in docs, or a sentence instead of the id", m.id, m.file)
		}
	}
	return problems
}

func checkState(r row, named []mention, exists func(string) bool) string {
	switch r.state {
	case "tested":
		if !slices.ContainsFunc(named, func(m mention) bool { return m.test && m.id == r.id }) {
			return "got tested and no test that names it, want one"
		}
	case "elsewhere":
		if where := firstPath(r.note); !exists(where) {
			return fmt.Sprintf("got elsewhere: %q, want a file of the repository", where)
		}
	case "not built":
		if r.note == "" {
			return "got not built, want why after a colon"
		}
	default:
		return fmt.Sprintf("got state %q, want tested, elsewhere or not built", r.state)
	}
	return ""
}

// firstPath returns what stands before the first comma or blank.
func firstPath(note string) string {
	if i := slices.IndexFunc([]byte(note), func(c byte) bool { return c == ',' || c == ' ' }); i >= 0 {
		return note[:i]
	}
	return note
}

func TestCheck(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"CD-01", "tested", ""},
		{"CD-02", "tested", "in part"},
		{"CD-03", "tested", ""},
		{"CD-04", "elsewhere", "docs/there.md, says why"},
		{"CD-05", "elsewhere", "docs/gone.md"},
		{"CD-06", "elsewhere", ""},
		{"CD-07", "not built", "no need"},
		{"CD-08", "not built", ""},
		{"CD-09", "half done", ""},
		{"CD-01", "tested", ""},
	}
	named := []mention{
		{"CD-01", "a_test.go", true},
		{"CD-02", "b.txtar", true},
		{"CD-03", "c.go", false},
		{"CD-10", "d.go", false},
		{"CD-11", "e_test.go", true},
	}
	wantProblems(t, check(rows, named, func(path string) bool { return path == "docs/there.md" }),
		"CD-01: got two rows",
		"CD-03: got tested and no test",
		`CD-05: got elsewhere: "docs/gone.md"`,
		`CD-06: got elsewhere: ""`,
		"CD-08: got not built, want why",
		`CD-09: got state "half done"`,
		"CD-10: got no row for the id in d.go",
		"CD-11: got no row for the id in e_test.go",
	)
}

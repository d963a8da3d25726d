// Package rows keeps the list of threats and field cases and where each is proved: rows.txt,
// beside this test. It holds tests only.
package rows

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// root is the repository, from here.
const root = "../.."

// series says how far the ids of each series go, so that no row is dropped in silence.
var series = map[string]int{
	"CD-": 18, "RU-": 22, "AC-": 16, "UP-": 18, "TE-": 13, "RT-": 16, "AT-": 14, "HT-": 12, "SC-": 22, "SF-": 17,
	"A": 10, "B": 15, "C": 14, "D": 10, "E": 14, "F": 12, "G": 8, "H": 9, "I": 8, "J": 4, "K": 10,
	"L": 5, "M": 5, "N": 6, "O": 6, "W": 16,
}

// A row is a line of rows.txt.
type row struct{ id, state, note string }

var line = regexp.MustCompile(`^(\S+)\s+(tested|elsewhere|not built|\S+)(?:\s+(.*))?$`)

func read(t *testing.T) []row {
	t.Helper()
	data, err := os.ReadFile("rows.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for l := range strings.Lines(string(data)) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		m := line.FindStringSubmatch(l)
		if m == nil {
			t.Fatalf("got line %q, want id, state and note", l)
		}
		rows = append(rows, row{m[1], m[2], m[3]})
	}
	return rows
}

func TestEveryRowIsProvedWhereTheListSays(t *testing.T) {
	t.Parallel()
	named := namedInTests(t)
	for _, r := range read(t) {
		switch r.state {
		case "tested":
			if !named[r.id] {
				t.Errorf("%s: got no test that names it, want one", r.id)
			}
		case "elsewhere":
			where := strings.TrimRight(strings.Split(r.note+" ", " ")[0], ":,.")
			if _, err := os.Stat(filepath.Join(root, where)); where == "" || err != nil {
				t.Errorf("%s: got note %q, want one that begins with a file of the repository", r.id, r.note)
			}
		case "not built":
			if r.note == "" {
				t.Errorf("%s: got no note, want why it is not built", r.id)
			}
		default:
			t.Errorf("%s: got state %q, want tested, elsewhere or not built", r.id, r.state)
		}
	}
}

func TestTheListIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, r := range read(t) {
		seen[r.id]++
	}
	for prefix, last := range series {
		for n := 1; n <= last; n++ {
			id := idOf(prefix, n)
			if seen[id] != 1 {
				t.Errorf("%s: got %d rows, want one", id, seen[id])
			}
			delete(seen, id)
		}
	}
	for id := range seen {
		t.Errorf("%s: got a row of no series, want one of %d", id, len(series))
	}
}

// idOf returns RU-04 or A4.
func idOf(prefix string, n int) string {
	if strings.HasSuffix(prefix, "-") {
		return fmt.Sprintf("%s%02d", prefix, n)
	}
	return prefix + strconv.Itoa(n)
}

// An id does not follow a letter, a digit or a percent sign: %C3%A9 is no field case.
// "E3 to E8" names all six.
var mention = regexp.MustCompile(`(?:^|[^\w%-])([A-Z]{2}-|[A-Z])(\d{1,2})(?: to ([A-Z]{2}-|[A-Z])(\d{1,2}))?\b`)

// namedInTests returns the ids that the tests of the repository name.
func namedInTests(t *testing.T) map[string]bool {
	t.Helper()
	named := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(d.Name())
		}
		if !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".txtar") {
			return nil
		}
		data, err := os.ReadFile(path)
		collect(named, string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return named
}

// skip leaves out what is not ours: hidden directories, npm packages, built packages.
func skip(dir string) error {
	if dir == "node_modules" || dir == "dist" || strings.HasPrefix(dir, ".") && dir != ".." && dir != "." {
		return fs.SkipDir
	}
	return nil
}

func collect(named map[string]bool, text string) {
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(m[2])
		last := first
		if m[3] == m[1] {
			last, _ = strconv.Atoi(m[4])
		}
		for n := first; n <= last; n++ {
			named[idOf(m[1], n)] = true
		}
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	collect(named, "// RU-04, A4: x (E3 to E5), %C3%A9 G12x B7\n{\"D1 y\", D2} X-H1 AC-01/AC-02")
	for id, want := range map[string]bool{
		"RU-04": true, "A4": true, "E3": true, "E4": true, "E5": true, "B7": true, "D1": true, "D2": true, "AC-01": true, "AC-02": true,
		"C3": false, "A9": false, "G1": false, "G12": false, "E6": false, "H1": false, "U4": false,
	} {
		if named[id] != want {
			t.Errorf("%s: got %v, want %v", id, named[id], want)
		}
	}
}

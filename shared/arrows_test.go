// Package shared_test holds the picture of the house as a test: who may import whom.
package shared_test

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/manifest"
)

const (
	house     = "github.com/postern-dev/postern/"
	shared    = house + "shared/"
	functions = house + "functions/"
)

// arrows says for each package of shared which others of shared it may import. A
// package that is not here has no place yet: draw its arrows first.
var arrows = map[string][]string{
	// words, and what stands alone
	"origin":       {},
	"about":        {},
	"oauth":        {"origin"},
	"defaults":     {},
	"fernet":       {},
	"credential":   {},
	"recent":       {},
	"signing":      {"recent"},
	"keyfile":      {"defaults"},
	"limit":        {"recent", "defaults"},
	"dial":         {},
	"config":       {"origin"},
	"telemetry":    {},
	"version":      {},
	"store/driver": {},
	// seal
	"seal": {"fernet", "keyfile", "defaults"},
	// remember
	"store":                 {"oauth", "credential", "seal", "store/driver", "defaults"},
	"store/embedded":        {"store/driver"},
	"store/firestoredriver": {"store/driver"},
	"store/postgresdriver":  {"origin", "store/driver"},
	"store/cloudsql":        {"store/driver", "store/postgresdriver"},
	"store/drivers":         {"store/driver", "store/cloudsql", "store/embedded", "store/firestoredriver"},
	// decide
	"accesstoken":     {"oauth", "credential", "recent", "signing", "keyfile", "defaults"},
	"identity":        {"oauth", "credential", "defaults", "recent", "signing", "keyfile"},
	"upstream":        {"oauth", "credential", "origin", "defaults", "telemetry"},
	"upstream/issuer": {"upstream", "credential", "dial", "keyfile", "origin", "defaults"},
	"upstream/oidc":   {"upstream", "upstream/issuer", "oauth", "credential", "keyfile"},
	// for programs and tests; see manifest
	"manifest": {},
	"eventarc": {"store/driver"},
	// see
	"otlp": {"telemetry", "version"},
	// speak
	"httperr": {"oauth"},
	"strict":  {"oauth", "httperr"},
	"edge":    {"oauth", "credential", "origin", "httperr", "strict", "telemetry", "defaults"},
	"pages":   {"about", "oauth", "httperr", "edge", "telemetry"},
	"cimd": {
		"oauth", "credential", "dial", "httperr", "origin", "recent", "limit", "strict", "telemetry", "defaults",
	},
	"session": {"credential", "edge", "pages", "seal"},
	// start
	"boot":       {"config", "telemetry", "edge", "origin", "version"},
	"boot/serve": {"boot"},
	"parts": {
		"behind", "boot", "cimd", "config", "credential", "fernet", "identity", "keyfile", "oauth", "otlp", "seal",
		"signing", "store", "store/driver", "telemetry", "upstream", "upstream/issuer",
	},
	"parts/look": {"about", "boot", "config", "pages"},
	"behind":     {"config", "oauth", "origin", "strict"},
	// programs that write the generated pages
	"config/gendocs":    {"config", "manifest"},
	"telemetry/gendocs": {"telemetry"},
}

// wiring are the packages that a function imports in function.go alone: the drivers,
// not their contract, and what reads the environment.
var wiring = []string{
	"boot", "config", "parts", "parts/look",
	"store/cloudsql", "store/drivers", "store/embedded", "store/firestoredriver", "store/postgresdriver",
	"upstream/issuer", "upstream/oidc",
}

// neverLinked are packages, by the start of their path, that must not be anywhere
// below a package of the house.
var neverLinked = map[string][]string{}

func init() {
	cloud := []string{"cloud.google.com/", "google.golang.org/", "modernc.org/"}
	for _, p := range []string{
		"fernet", "credential", "recent", "signing", "keyfile", "config", "telemetry", "store/driver", "seal", "store",
		"upstream", "upstream/issuer", "upstream/oidc", "origin", "dial", "limit", "httperr", "strict", "edge",
		"pages", "cimd", "boot", "about", "session",
	} {
		neverLinked[shared+p] = cloud
	}
	neverLinked[shared+"oauth"] = append([]string{"net/http"}, cloud...)
	neverLinked[shared+"accesstoken"] = append([]string{"net/http"}, cloud...)
	neverLinked[shared+"identity"] = append([]string{"net/http"}, cloud...)
	neverLinked[house+"test/kit/memory"] = cloud
	neverLinked[shared+"store/embedded"] = cloud[:2]
	neverLinked[shared+"store/firestoredriver"] = cloud[2:]
	neverLinked[shared+"store/postgresdriver"] = cloud

	for _, f := range manifest.Functions {
		neverLinked[f.ImportPath()] = f.NeverLinksOver(manifest.Firestore)
	}
}

// A listed package is what go list says of it.
type listed struct {
	ImportPath   string
	Dir          string
	Name         string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
	GoFiles      []string
	Module       struct{ Path string }
	Error        *struct{ Err string }
}

// list returns every package of the workspace, in all of its modules.
func list(t *testing.T) []listed {
	t.Helper()
	work, err := filepath.Abs("../go.work")
	if err != nil {
		t.Fatal(err)
	}
	fields := "-json=ImportPath,Dir,Name,Imports,TestImports,XTestImports,Deps,GoFiles,Module,Error"
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", fields, "work")
	cmd.Env = append(os.Environ(), "GOWORK="+work)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// The picture of the house: imports point down, or sideways as drawn, never up and
// never between functions.
func TestArrows(t *testing.T) {
	t.Parallel()
	all := list(t)
	if len(all) < len(arrows)/2 {
		t.Fatalf("go list found %d packages", len(all))
	}
	found := map[string]bool{}
	for _, p := range all {
		found[p.ImportPath] = true
		if p.Error != nil {
			t.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		checkShared(t, p)
		checkFunctions(t, p)
		checkTestOnly(t, p)
		checkProgram(t, p)
		checkLinked(t, p)
		checkRandomness(t, p)
	}
	for _, f := range manifest.Functions {
		if !found[f.ImportPath()] {
			t.Errorf("functions/%s has a row in shared/manifest and is not a package of go.work", f.Name)
		}
	}
}

// checkShared compares a package of shared with its arrows.
func checkShared(t *testing.T, p listed) {
	t.Helper()
	name, ok := strings.CutPrefix(p.ImportPath, shared)
	if !ok {
		return
	}
	allowed, ok := arrows[name]
	if !ok {
		t.Errorf("shared/%s has no row in arrows", name)
		return
	}
	for _, i := range p.Imports {
		if !strings.HasPrefix(i, house) {
			continue
		}
		if other, ok := strings.CutPrefix(i, shared); !ok || !slices.Contains(allowed, other) {
			t.Errorf("shared/%s imports %s: it may import %v of shared", name, strings.TrimPrefix(i, house), allowed)
		}
	}
}

// checkFunctions keeps functions apart, and their wiring in one file.
func checkFunctions(t *testing.T, p listed) {
	t.Helper()
	rest, ok := strings.CutPrefix(p.ImportPath, functions)
	if !ok {
		return
	}
	name, below, _ := strings.Cut(rest, "/")
	for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		if other, ok := strings.CutPrefix(i, functions); ok && other != name && !strings.HasPrefix(other, name+"/") {
			t.Errorf("functions/%s imports functions/%s: no function imports another", rest, other)
		}
	}
	if below == "cmd" {
		return
	}
	for _, file := range p.GoFiles {
		if below == "" && file == "function.go" {
			continue
		}
		for _, i := range importsOf(t, filepath.Join(p.Dir, file)) {
			if other, ok := strings.CutPrefix(i, shared); ok && slices.Contains(wiring, other) {
				t.Errorf("functions/%s: %s imports shared/%s, which only function.go may", rest, file, other)
			}
		}
	}
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return nil
	}
	var out []string
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Error(err)
		}
		out = append(out, path)
	}
	return out
}

// checkTestOnly keeps what is for tests out of programs: package testing, and all that is
// below test/. The memory driver is there too: no program forgets its clients. A package for
// an author's tests is named after them, and may use the kit.
func checkTestOnly(t *testing.T, p listed) {
	t.Helper()
	name := strings.TrimPrefix(p.ImportPath, house)
	for _, i := range p.Imports {
		switch {
		case inside(name, "test/kit") &&
			(inside(i, house+"functions") || inside(i, house+"test") && !inside(i, house+"test/kit")):
			t.Errorf("%s imports %s: the kit is for everybody's tests and knows shared alone",
				name, strings.TrimPrefix(i, house))
		case inside(name, "test"), strings.HasSuffix(name, "test") && inside(i, house+"test/kit"):
		case inside(i, house+"test"), i == "testing" && !strings.HasSuffix(name, "test"):
			t.Errorf("%s imports %s outside its tests", name, strings.TrimPrefix(i, house))
		}
	}
}

// checkProgram lets nobody import the command line program but itself.
func checkProgram(t *testing.T, p listed) {
	t.Helper()
	if inside(p.ImportPath, house+"cmd/postern") {
		return
	}
	for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		if inside(i, house+"cmd/postern") {
			t.Errorf("%s imports %s, which is a program", strings.TrimPrefix(p.ImportPath, house), i)
		}
	}
}

// checkLinked keeps out of a package what it must not carry. What is not linked cannot be
// down, nor slow down a start (MD-05, E14); a deployed package has neither the embedded store
// nor test code in it (DP-01).
func checkLinked(t *testing.T, p listed) {
	t.Helper()
	for _, dep := range p.Deps {
		for _, never := range neverLinked[p.ImportPath] {
			if inside(dep, never) {
				t.Errorf("%s links %s", strings.TrimPrefix(p.ImportPath, house), dep)
			}
		}
	}
}

// guessable are the packages that may use math/rand: for the pause before a retry, and
// for the faults that postern emulate plays.
var guessable = []string{shared + "store/driver", house + "cmd/postern/internal/emulate"}

// checkRandomness keeps random numbers that can be guessed away from credentials (SC-19).
// crypto/rand ends the program if it fails, and has no modulo bias in what it makes.
func checkRandomness(t *testing.T, p listed) {
	t.Helper()
	for _, i := range p.Imports {
		if inside(i, "math/rand") && !slices.Contains(guessable, p.ImportPath) {
			t.Errorf("%s imports %s: take crypto/rand", strings.TrimPrefix(p.ImportPath, house), i)
		}
	}
}

// inside reports whether a package is path or below it.
func inside(pkg, path string) bool {
	return pkg == path || strings.HasPrefix(pkg, strings.TrimSuffix(path, "/")+"/")
}

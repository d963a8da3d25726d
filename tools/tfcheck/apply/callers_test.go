package apply

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
)

// deployer is somebody who is no owner.
const deployer = "user:dev@example.com"

// theProject is where roles of the whole project are granted.
const theProject = "cloudresourcemanager/projects/acme-mcp"

// deployAs makes the deployer the caller, with the roles of docs/deploy.md on the project: those of everybody, and
// those of options that are about the project.
func (d *deployment) deployAs(options ...string) {
	d.t.Helper()
	base, further := documentedRoles(d.t)
	for _, option := range options {
		if len(further[option]) == 0 {
			d.t.Fatalf("docs/deploy.md has no row for %s, it has %v", option, slices.Sorted(maps.Keys(further)))
		}
		base = append(base, further[option]...)
	}
	for _, role := range base {
		d.cloud.Grant(theProject, deployer, role)
	}
	d.as = deployer
}

var (
	loop    = regexp.MustCompile(`(?s)for role in (.*?)\ndo`)
	oneRole = regexp.MustCompile("`(roles/[a-zA-Z.]+)`")
	lacks   = regexp.MustCompile(`lacks[\s│]+(roles/[a-zA-Z.]+)`)
)

// documentedRoles are those that docs/deploy.md says a deployer needs, and those of options, by their names.
func documentedRoles(t *testing.T) (base []string, further map[string][]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "deploy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "## Roles")
	text, _, _ = strings.Cut(text, "\n## ")
	found := loop.FindStringSubmatch(text)
	if found == nil {
		t.Fatal("docs/deploy.md has no loop over roles")
	}
	for _, name := range strings.Fields(strings.ReplaceAll(found[1], "\\", "")) {
		base = append(base, "roles/"+name)
	}
	further = map[string][]string{}
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, role := range oneRole.FindAllStringSubmatch(line, -1) {
				option := strings.Trim(cells[1], " `")
				further[option] = append(further[option], role[1])
			}
		}
	}
	return base, further
}

// TestWhoDeploysNeedsTheDocumentedRoles: who begins with none and gets each that an error asks for has
// in the end those of docs/deploy.md, all of them and no other, and has applied everything.
func TestWhoDeploysNeedsTheDocumentedRoles(t *testing.T) {
	t.Parallel()
	d := newDeployment(t, controlplane.Start("acme-mcp", grantsTake))
	d.as = deployer
	asked := map[string]bool{}
	for {
		out, err := d.tryApply()
		if err == nil {
			break
		}
		before := len(asked)
		for _, found := range lacks.FindAllStringSubmatch(out, -1) {
			if role := found[1]; !asked[role] {
				asked[role] = true
				d.cloud.Grant(theProject, deployer, role)
			}
		}
		if len(asked) == before && !strings.Contains(out, "keys create") {
			t.Fatalf("with %v the apply fails and asks for no other role:\n%s", slices.Sorted(maps.Keys(asked)), errorsOf(out))
		}
		d.addMissingVersions()
	}
	want, _ := documentedRoles(t)
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(asked)); !slices.Equal(got, want) {
		t.Errorf("the applies asked for\n\t%s\nand docs/deploy.md names\n\t%s",
			strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	d.wantPlan()
}

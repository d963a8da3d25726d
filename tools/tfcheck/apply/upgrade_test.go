package apply

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// record is for a release: what its configuration deploys is what the next one upgrades from.
var record = flag.String("record", "", "write what is deployed to testdata/`NAME`.json.gz")

func (s saved) write(name string) (err error) {
	f, err := os.Create(filepath.Join("testdata", name+".json.gz"))
	if err != nil {
		return err
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	if err := json.NewEncoder(z).Encode(s); err != nil {
		return err
	}
	return z.Close()
}

func recorded(path string) (s saved, err error) {
	f, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return s, err
	}
	return s, json.NewDecoder(z).Decode(&s)
}

// keeps are the kinds of which nothing may go or be made anew: what holds data or keys, and the
// gateway, whose host is the issuer where there is no domain.
var keeps = []string{
	"apigateway/projects/acme-mcp/locations/europe-west1/gateways/",
	"cloudfunctions/projects/acme-mcp/locations/europe-west1/functions/",
	"compute/projects/acme-mcp/global/addresses/",
	"firestore/projects/acme-mcp/databases/",
	"secretmanager/projects/acme-mcp/secrets/",
}

// kept returns when each of them was made, by its name and its number.
func (d *deployment) kept() map[string]string {
	d.t.Helper()
	made := map[string]string{}
	for _, name := range d.cloud.Names() {
		if !slices.ContainsFunc(keeps, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			continue
		}
		var body struct {
			UID string `json:"uid"`
		}
		d.must(json.Unmarshal([]byte(d.cloud.Resource(name)), &body))
		made[name] = body.UID
	}
	return made
}

// TestUpgrade: what an earlier configuration deployed becomes what this one wants by one apply,
// and what holds data, keys or clients is still the same.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata has no earlier deployment: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s, err := recorded(file)
			if err != nil {
				t.Fatal(err)
			}
			d := s.restore(t)
			before := d.kept()
			d.addMissingVersions()
			d.apply()
			d.wantPlan()
			after := d.kept()
			maps.DeleteFunc(after, func(name, _ string) bool { return before[name] == "" }) // new ones
			if !maps.Equal(before, after) {
				t.Errorf("what has to stay is\n%v\nand was\n%v", after, before)
			}
		})
	}
}

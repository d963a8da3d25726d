package test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
	"github.com/postern-dev/postern/test/internal/rig"
)

var (
	settingName  = regexp.MustCompile(`\b(?:OIDC|GITHUB|IDENTITY|MEMBERSHIP|EVIDENCE)_[A-Z_]+\b`)
	setting      = regexp.MustCompile(`(?m)^([A-Z_]+)=(.+)$`)
	variableName = regexp.MustCompile(`(?m)^([a-z_]+) +=`)
	variable     = regexp.MustCompile(`(?m)^variable "([a-z_]+)"`)
)

// readPage returns a file of the repository.
func readPage(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(rig.Root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The pages of identity providers are those that there are presets for, and name settings and
// variables that exist.
func TestEachIdentityProviderHasAPage(t *testing.T) {
	t.Parallel()
	index := readPage(t, "docs/identity.md")
	pages := map[string]issuer.Preset{"github": {}}
	for _, name := range issuer.PresetNames() {
		pages[name], _ = issuer.PresetByName(name)
	}
	for name, preset := range pages {
		page, provider := readPage(t, "docs/identity/"+name+".md"), "oidc:"+name
		if name == "github" {
			provider = name
		}
		for _, want := range []string{
			"https://auth.example.com" + oauth.CallbackPath, "IDENTITY_PROVIDER=" + provider + "\n",
			`identity_provider = "` + provider + `"`, "\nALLOW=", preset.Issuer, preset.Example, preset.GroupClaim,
		} {
			if !strings.Contains(page, want) && want != "https://gitlab.example.com" {
				t.Errorf("docs/identity/%s.md: does not say %q", name, want)
			}
		}
		if !strings.Contains(index, "`"+provider+"` | ["+name+"](identity/"+name+".md)") {
			t.Errorf("docs/identity.md: does not link %s", name)
		}
		wantNamesThatExist(t, "docs/identity/"+name+".md", page)
		if name != "github" {
			wantRulesThatAreAnswered(t, page, preset)
		}
	}
	wantNamesThatExist(t, "docs/identity.md", index)
	files, err := filepath.Glob(filepath.Join(rig.Root(t), "docs", "identity", "*.md"))
	if err != nil || len(files) != len(pages) {
		t.Errorf("got the pages %v, %v; want %d", files, err, len(pages))
	}
}

// wantRulesThatAreAnswered starts the provider as the page's settings do.
func wantRulesThatAreAnswered(t *testing.T, page string, preset issuer.Preset) {
	t.Helper()
	said := map[string]string{}
	for _, m := range setting.FindAllStringSubmatch(page, -1) {
		said[m[1]] = m[2]
	}
	allow, err := upstream.ParseAllow(said["ALLOW"])
	if err != nil {
		t.Fatalf("%s: ALLOW=%s: %v", preset.Name, said["ALLOW"], err)
	}
	i, err := issuer.New(issuer.Config{
		Preset: preset, Issuer: said["OIDC_ISSUER"], ClientID: said["OIDC_CLIENT_ID"],
		GroupClaim: said["OIDC_GROUPS_CLAIM"], Allow: allow,
		Secret: func(context.Context) (credential.Secret, error) { return credential.Secret{}, nil },
	})
	if err != nil {
		t.Fatalf("%s: %v", preset.Name, err)
	}
	for _, rule := range allow.Rules() {
		if err := i.Answers(rule); err != nil {
			t.Errorf("%s: %s: %v", preset.Name, rule, err)
		}
	}
}

func wantNamesThatExist(t *testing.T, name, page string) {
	t.Helper()
	for _, said := range settingName.FindAllString(page, -1) {
		if !slices.ContainsFunc(config.Settings, func(s config.Setting) bool { return s.Name == said }) {
			t.Errorf("%s: there is no setting %s", name, said)
		}
	}
	var variables []string
	for _, m := range variable.FindAllStringSubmatch(readPage(t, "terraform/variables.tf"), -1) {
		variables = append(variables, m[1])
	}
	for i, block := range strings.Split(page, "```hcl\n") {
		if i == 0 {
			continue
		}
		block, _, _ = strings.Cut(block, "```")
		for _, m := range variableName.FindAllStringSubmatch(block, -1) {
			if !slices.Contains(variables, m[1]) {
				t.Errorf("%s: there is no terraform variable %s", name, m[1])
			}
		}
	}
}

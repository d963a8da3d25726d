package apply

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// overrides are the services that gcloud is sent to the control plane for, and what it finds there.
var overrides = map[string]string{
	"CERTIFICATEMANAGER":   "certificatemanager/",
	"CLOUDFUNCTIONS":       "cloudfunctions/",
	"CLOUDRESOURCEMANAGER": "cloudresourcemanager/",
	"COMPUTE":              "compute/compute/v1/",
	"SECRETMANAGER":        "secretmanager/",
	"SERVICEUSAGE":         "serviceusage/",
}

// TestTheCommandsOfTheDocs: what docs/deploy.md has people type is typed, as it stands there. What is about billing,
// the project itself and a person's own sign-in is not: the control plane has neither.
func TestTheCommandsOfTheDocs(t *testing.T) {
	t.Parallel()
	if _, err := toolbox.Need("gcloud", "see https://cloud.google.com/sdk/docs/install"); err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "deploy.md"))
	if err != nil {
		t.Fatal(err)
	}
	d := fromNothing(t)
	d.set(settings + "certificate_first = true")
	d.apply()
	home := t.TempDir()
	d.must(os.MkdirAll(filepath.Join(home, "acme-keys", "keys"), 0o700))
	for name, content := range map[string]string{
		"token": controlplane.Owner, "acme-keys/keys/fernet-keys": "a ring", "acme-keys/keys/signing-keys.json": "{}",
	} {
		d.must(os.WriteFile(filepath.Join(home, name), []byte(content), 0o600))
	}
	env := append(os.Environ(),
		"HOME="+home, "CLOUDSDK_CONFIG="+filepath.Join(home, "gcloud"), "SECRET=s3cret", "role=run.viewer",
		"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE="+filepath.Join(home, "token"), "CLOUDSDK_CORE_DISABLE_PROMPTS=1",
		"CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1")
	for service, path := range overrides {
		env = append(env, "CLOUDSDK_API_ENDPOINT_OVERRIDES_"+service+"="+d.cloud.URL()+"/"+path)
	}
	const secrets = "secretmanager/projects/acme-mcp/secrets/"
	for _, c := range []struct {
		command string // as it is in the docs
		says    string // of what it writes
		makes   string // the name of something
	}{
		{"gcloud services enable serviceusage.googleapis.com cloudresourcemanager.googleapis.com --project acme-mcp", "", ""},
		{"gcloud projects add-iam-policy-binding acme-mcp --member=user:dev@acme.com --role=roles/$role " +
			"--condition=None", "roles/run.viewer", ""},
		{"gcloud secrets versions add fernet-keys       --project acme-mcp --data-file=acme-keys/keys/fernet-keys",
			"Created version [2]", secrets + "fernet-keys/versions/2"},
		{"gcloud secrets versions add signing-keys      --project acme-mcp --data-file=acme-keys/keys/signing-keys.json",
			"Created version [2]", secrets + "signing-keys/versions/2"},
		{"printf %s \"$SECRET\" | \\\n  gcloud secrets versions add github-client-secret --project acme-mcp --data-file=-",
			"Created version [2]", secrets + "github-client-secret/versions/2"},
		{"gcloud compute ssl-certificates list --project acme-mcp", "postern", ""},
		{"gcloud certificate-manager certificates list --project acme-mcp", "postern", ""},
		{"gcloud functions describe postern-token --gen2 --region europe-west1 --project acme-mcp " +
			"--format='value(serviceConfig.uri)'", "https://postern-token-123456789012.a.run.app", ""},
		{"gcloud functions list --filter=labels.app=postern --format='table(name,labels.version)'", "postern-mcp", ""},
	} {
		if !bytes.Contains(docs, []byte(c.command)) {
			t.Errorf("docs/deploy.md does not say\n%s", c.command)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", c.command)
		cmd.Dir, cmd.Env = home, append(slices.Clone(env), "CLOUDSDK_CORE_PROJECT=acme-mcp")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.says) {
			t.Errorf("%s\n%v\n%s\nwant %q in it", c.command, err, out, c.says)
		}
		if c.makes != "" && d.cloud.Resource(c.makes) == "" {
			t.Errorf("%s\nmade no %s", c.command, c.makes)
		}
	}
}

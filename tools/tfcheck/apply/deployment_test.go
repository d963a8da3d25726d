// Package apply applies terraform/, changes it and destroys it, by the real Google provider
// against the control plane of package controlplane. It holds tests only.
package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-dev/postern/tools/tfcheck/controlplane"
	"github.com/postern-dev/postern/tools/tfcheck/toolbox"
)

// settings is the terraform.tfvars of a person who has read docs/deploy.md. The zips are
// beside the configuration, wherever that is.
const settings = `
project          = "acme-mcp"
region           = "europe-west1"
public_origin    = "https://auth.example.com"
custom_domain    = true
github_client_id = "Ov23liAbCdEf0123456"
allow            = ["org:acme", "user:octocat"]
alert_emails     = ["ops@example.com"]
packages_dir     = "../packages"
`

// providers makes the provider quick, and changes nothing that it does: it looks again at an
// operation at once, and it collects no requests for ten seconds.
const providers = `
provider "google" {
  poll_interval = "10ms"
  batching {
    enable_batching = true
    send_after      = "500ms"
  }
}

provider "google-beta" {
  poll_interval = "10ms"
  batching {
    enable_batching = true
    send_after      = "500ms"
  }
}
`

// grantsTake is how long a grant takes, by the clock of the control plane.
const grantsTake = 2 * time.Minute

// wait is the variable that tells a program called sleep where its control plane is.
const wait = "POSTERN_CONTROL_PLANE"

// TestMain plays the program sleep too, under whose name Terraform finds the tests on its
// path: there it moves the clock of the control plane.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "sleep" {
		if err := sleep(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := toolbox.ForgetAccounts(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func sleep(seconds string) error {
	resp, err := http.Post(os.Getenv(wait)+"/wait?seconds="+seconds, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("sleep %s: status %s", seconds, resp.Status)
	}
	return nil
}

// deployment is one configuration directory, its state and the cloud it was applied to.
type deployment struct {
	t     *testing.T
	box   *toolbox.Box
	tf    *toolbox.Terraform
	cloud *controlplane.Cloud
	as    string // who calls
	tmp   string // has terraform/, packages/, bin/, data/ and terraform.tfstate
}

// newDeployment copies the configuration and makes packages; nothing is applied.
func newDeployment(t *testing.T, cloud *controlplane.Cloud) *deployment {
	t.Helper()
	var progress bytes.Buffer
	box, err := toolbox.Open(&progress)
	if err != nil {
		t.Fatal(err)
	}
	tf, err := box.Terraform(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	t.Cleanup(cloud.Close)
	d := &deployment{t: t, box: box, tf: tf, cloud: cloud, as: controlplane.Owner, tmp: t.TempDir()}
	d.must(os.CopyFS(filepath.Join(d.tmp, "terraform"), os.DirFS(filepath.Join(box.Root, "terraform"))))
	d.forgetPersonal()
	d.must(os.WriteFile(filepath.Join(d.tmp, "terraform", "providers_of_tests.tf"), []byte(providers), 0o600))
	d.set(settings)
	d.must(toolbox.Packages(filepath.Join(d.tmp, "packages")))
	d.must(os.Mkdir(filepath.Join(d.tmp, "bin"), 0o700))
	self, err := os.Executable()
	d.must(err)
	d.must(os.Symlink(self, filepath.Join(d.tmp, "bin", "sleep")))
	d.run("get")
	return d
}

// forgetPersonal takes out of the copy what is not the configuration's but somebody's.
func (d *deployment) forgetPersonal() {
	d.t.Helper()
	for _, pattern := range []string{"*.tfvars", "*.tfvars.json", "*.tfstate*", ".terraform*", "backend.tf"} {
		found, err := filepath.Glob(filepath.Join(d.tmp, "terraform", pattern))
		d.must(err)
		for _, path := range found {
			d.must(os.RemoveAll(path))
		}
	}
}

func (d *deployment) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// set writes terraform.tfvars.
func (d *deployment) set(values string) {
	d.t.Helper()
	d.must(os.WriteFile(filepath.Join(d.tmp, "terraform", "terraform.tfvars"), []byte(values), 0o600))
}

// try runs terraform and returns all that it wrote.
func (d *deployment) try(args ...string) (string, error) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 5*time.Minute)
	defer cancel()
	cmd := d.tf.Command(ctx, filepath.Join(d.tmp, "terraform"), "", append(args, "-no-color")...)
	cmd.Env = append(cmd.Env, d.cloud.Environment()...)
	cmd.Env = append(cmd.Env,
		"GOOGLE_OAUTH_ACCESS_TOKEN="+d.as,
		"TF_DATA_DIR="+filepath.Join(d.tmp, "data"),
		"PATH="+filepath.Join(d.tmp, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		wait+"="+d.cloud.URL(),
	)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// run runs terraform, which has to succeed.
func (d *deployment) run(args ...string) string {
	d.t.Helper()
	out, err := d.try(args...)
	if err != nil {
		d.t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, errorsOf(out))
	}
	return out
}

// errorsOf leaves out what went well.
func errorsOf(out string) string {
	if i := strings.Index(out, "Error: "); i >= 0 {
		return out[i:]
	}
	return out
}

var state = "-state=" + filepath.Join("..", "terraform.tfstate")

// tryApply and tryDestroy say yes to what the plan is.
func (d *deployment) tryApply(args ...string) (string, error) {
	d.t.Helper()
	return d.try(append([]string{"apply", "-auto-approve", "-parallelism=40", state}, args...)...)
}

func (d *deployment) tryDestroy() (string, error) {
	d.t.Helper()
	return d.try("destroy", "-auto-approve", "-parallelism=40", state)
}

func (d *deployment) apply(args ...string) {
	d.t.Helper()
	if out, err := d.tryApply(args...); err != nil {
		d.t.Fatalf("apply: %v\n%s", err, errorsOf(out))
	}
}

// plan returns what a plan would do, "action address" in order. What is only read is left out.
func (d *deployment) plan() []string {
	d.t.Helper()
	d.run("plan", "-parallelism=40", state, "-out="+filepath.Join(d.tmp, "plan"))
	var p struct {
		ResourceChanges []struct {
			Address string
			Change  struct{ Actions []string }
		} `json:"resource_changes"`
	}
	d.must(json.Unmarshal([]byte(d.run("show", "-json", filepath.Join(d.tmp, "plan"))), &p))
	var changes []string
	for _, c := range p.ResourceChanges {
		if action := strings.Join(c.Change.Actions, "/"); action != "no-op" && action != "read" {
			changes = append(changes, action+" "+c.Address)
		}
	}
	slices.Sort(changes)
	return changes
}

func (d *deployment) wantPlan(want ...string) {
	d.t.Helper()
	if got := d.plan(); !slices.Equal(got, want) {
		d.t.Errorf("the plan is %s\nwant %s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// rings are what postern keys create makes, secrets what a person adds by hand too.
var secrets = []string{"fernet-keys", "signing-keys", "verification-keys", "identity-keys", "github-client-secret"}

func (d *deployment) addVersions() {
	d.t.Helper()
	for _, secret := range secrets {
		d.must(d.cloud.AddVersion(secret))
	}
}

// written lists the calls since that changed something and succeeded, without the reads that
// have a POST of their own.
func written(calls []controlplane.Call) []string {
	var paths []string
	for _, c := range calls {
		if c.Method != http.MethodGet && c.Status == http.StatusOK && !strings.HasSuffix(c.Path, ":getIamPolicy") {
			paths = append(paths, c.Method+" "+c.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// saved is a cloud and the state that Terraform has of it.
type saved struct {
	Cloud, State json.RawMessage
}

// restore makes a deployment of the configuration as it is now where another one was saved.
func (s saved) restore(t *testing.T) *deployment {
	t.Helper()
	cloud, err := controlplane.Load(s.Cloud, "acme-mcp", grantsTake)
	if err != nil {
		t.Fatal(err)
	}
	d := newDeployment(t, cloud)
	d.must(os.WriteFile(filepath.Join(d.tmp, "terraform.tfstate"), s.State, 0o600))
	return d
}

func (d *deployment) save() saved {
	d.t.Helper()
	state, err := os.ReadFile(filepath.Join(d.tmp, "terraform.tfstate"))
	d.must(err)
	return saved{Cloud: d.cloud.Save(), State: state}
}

// applied is a deployment from nothing that the tests below begin with, each with a copy.
var applied struct {
	sync.Once
	saved saved
	plan  []string
	out   string // of the apply before there were versions
	err   error
}

// fromNothing applies as docs/deploy.md says: once, which stops for want of keys, and once more.
func fromNothing(t *testing.T) *deployment {
	t.Helper()
	applied.Do(func() {
		d := newDeployment(t, controlplane.Start("acme-mcp", grantsTake))
		applied.out, applied.err = d.tryApply()
		d.addVersions()
		d.apply()
		applied.plan = d.plan()
		applied.saved = d.save()
		if *record != "" {
			d.must(applied.saved.write(*record))
		}
	})
	if applied.saved.State == nil {
		t.Fatal("the first apply failed, see the test that made it")
	}
	return applied.saved.restore(t)
}

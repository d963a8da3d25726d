package toolbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/postern-dev/postern/shared/manifest"
)

// Terraform is the terraform program, or OpenTofu in its place, with the real
// Google provider from the module tools/provider, offline: nothing is downloaded
// and no account is asked.
type Terraform struct {
	box     *Box
	program string // a path
	env     []string
}

// Terraform builds the provider, and OpenTofu where Terraform is missing, if need
// be, and prepares to run it.
func (b *Box) Terraform(ctx context.Context) (*Terraform, error) {
	program, err := b.terraformProgram(ctx)
	if err != nil {
		return nil, err
	}
	config, err := b.providerConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &Terraform{box: b, program: program, env: []string{
		"TF_CLI_CONFIG_FILE=" + config,
		"TF_IN_AUTOMATION=1",
		"TF_INPUT=0",
		"CHECKPOINT_DISABLE=1",
		"GOOGLE_OAUTH_ACCESS_TOKEN=fake", // the provider wants one to plan, and does not use it
	}}, nil
}

// terraformProgram is the path of Terraform, or of OpenTofu from the module
// tools/opentofu where there is no Terraform that is new enough. TERRAFORM=terraform
// or TERRAFORM=tofu in the environment asks for one of them.
func (b *Box) terraformProgram(ctx context.Context) (string, error) {
	want := os.Getenv("TERRAFORM")
	switch want {
	case "", "terraform", "tofu":
	default:
		return "", fmt.Errorf("TERRAFORM is %q: want terraform or tofu", want)
	}
	if want != "tofu" {
		path, err := installedTerraform(ctx)
		if err == nil || want == "terraform" {
			return path, err
		}
		b.substitute.Do(func() { fmt.Fprintf(b.Progress, "%v; OpenTofu takes its place\n", err) })
	}
	return b.OpenTofu(ctx)
}

// OpenTofu builds OpenTofu if need be and returns its path.
func (b *Box) OpenTofu(ctx context.Context) (string, error) {
	dir, err := b.goTool(ctx, "opentofu", "about 3 minutes on two cores")
	return filepath.Join(dir, "tofu"), err
}

// installedTerraform is the path of a Terraform of version 1.9 or newer.
func installedTerraform(ctx context.Context) (string, error) {
	const advice = "get version 1.9 or newer from https://developer.hashicorp.com/terraform/install " +
		"and put it on the PATH"
	path, err := Need("terraform", advice)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, "version", "-json")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("terraform version: %w", err)
	}
	var v struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out, &v); err != nil {
		return "", fmt.Errorf("terraform version: %w", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(v.Version, "%d.%d", &major, &minor); err != nil {
		return "", fmt.Errorf("terraform version %q: %w", v.Version, err)
	}
	if major < 1 || major == 1 && minor < 9 {
		return "", fmt.Errorf("terraform is %s: %s", v.Version, advice)
	}
	return path, nil
}

// providerConfig writes the CLI configuration that makes terraform use the
// built provider under both names. One binary is enough: google-beta contains
// every resource of google, and a provider does not look at its own name.
func (b *Box) providerConfig(ctx context.Context) (string, error) {
	dir, err := b.goTool(ctx, "provider", "about 7 minutes on two cores")
	if err != nil {
		return "", err
	}
	alias := filepath.Join(dir, "terraform-provider-google")
	if err := os.Symlink("terraform-provider-google-beta", alias); err != nil && !os.IsExist(err) {
		return "", err
	}
	config := filepath.Join(dir, "terraform.rc")
	return config, os.WriteFile(config, []byte(lines(
		"provider_installation {",
		"  dev_overrides {",
		fmt.Sprintf("    %q = %q", "hashicorp/google", dir),
		fmt.Sprintf("    %q = %q", "hashicorp/google-beta", dir),
		"  }",
		"}",
	)), 0o644)
}

// Command prepares terraform in a configuration directory. data is where it
// keeps what it needs for that directory, under .cache.
func (t *Terraform) Command(ctx context.Context, dir, data string, args ...string) *exec.Cmd {
	cmd := t.box.Command(ctx, dir, t.program, args...)
	cmd.Env = append(cmd.Env, t.env...)
	cmd.Env = append(cmd.Env, "TF_DATA_DIR="+t.box.Cache("terraform", data))
	return cmd
}

// Placeholders returns a directory with placeholder packages, for what reads the
// configuration without make package having been run.
func (b *Box) Placeholders() (string, error) {
	dir := b.Cache("terraform", "packages")
	return dir, errors.Join(Packages(dir), PackagesOver(manifest.Postgres, dir+"-postgres"))
}

// Packages makes placeholder zips of all functions in a new directory.
func Packages(dir string) error { return PackagesOver(manifest.Firestore, dir) }

// PackagesOver is [Packages] for functions that keep records in another store.
func PackagesOver(over manifest.Store, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, says := range map[string]string{"VERSION": Release, "STORE": string(over)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(says+"\n"), 0o644); err != nil {
			return err
		}
	}
	for _, f := range manifest.Functions {
		if err := Package(filepath.Join(dir, f.Name+".zip"), f.Name); err != nil {
			return err
		}
	}
	return nil
}

// ForgetAccounts takes what says whose account, project or region is meant out of the environment,
// so that those of the machine change nothing.
func ForgetAccounts() error {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		google := strings.HasPrefix(name, "GOOGLE_") || strings.HasPrefix(name, "CLOUDSDK_")
		if google || strings.HasPrefix(name, "TF_") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

package toolbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// TFLint prepares tflint with the Google rules, one command for the root of
// terraform/ and one for each module.
func (b *Box) TFLint(ctx context.Context) ([]*exec.Cmd, error) {
	tflint, err := b.goTool(ctx, "tflint", "about 2 minutes")
	if err != nil {
		return nil, err
	}
	rules, err := b.goTool(ctx, "tflint-google", "half a minute")
	if err != nil {
		return nil, err
	}
	packages, err := b.Placeholders()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(b.Root, "terraform")
	dirs, err := filepath.Glob(filepath.Join(root, "modules", "*"))
	if err != nil {
		return nil, err
	}
	var commands []*exec.Cmd
	for _, dir := range append([]string{root}, dirs...) {
		cmd := b.Command(ctx, dir, filepath.Join(tflint, "tflint"), "--config="+filepath.Join(root, ".tflint.hcl"))
		cmd.Env = append(cmd.Env, "TFLINT_PLUGIN_DIR="+rules,
			"TF_DATA_DIR="+b.Cache("terraform", "root"), "TF_VAR_packages_dir="+packages)
		commands = append(commands, cmd)
	}
	return commands, nil
}

// OpenAPILint prepares the lint of the path map.
func (b *Box) OpenAPILint(ctx context.Context) (*exec.Cmd, error) {
	if _, err := Need("npm", "it comes with Node 20 or newer: see https://nodejs.org/en/download"); err != nil {
		return nil, err
	}
	source := filepath.Join(b.Root, "tools", "redocly")
	key, err := keyOf(filepath.Join(source, "package.json"), filepath.Join(source, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	dir := b.Cache("tools", "redocly-"+key)
	if _, err := os.Stat(dir); err != nil {
		if err := b.fetch(ctx, source, dir, []string{"package.json", "package-lock.json"},
			"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"); err != nil {
			return nil, fmt.Errorf("install tools/redocly: %w", err)
		}
	}
	cmd := b.Command(ctx, b.Root, filepath.Join(dir, "node_modules", ".bin", "redocly"),
		"lint", "--config", filepath.Join(source, "redocly.yaml"),
		filepath.Join("terraform", "gateway", "openapi.yaml"))
	cmd.Env = append(cmd.Env, "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	return cmd, nil
}

// fetch runs an installer beside copies of the files that pin what it fetches, and publishes what is there then.
func (b *Box) fetch(ctx context.Context, source, dir string, pins []string, installer string, args ...string) error {
	making := fmt.Sprintf("%s.making-%d", dir, os.Getpid())
	defer os.RemoveAll(making)
	if err := os.MkdirAll(making, 0o755); err != nil {
		return err
	}
	for _, name := range pins {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(making, name), data, 0o644); err != nil {
			return err
		}
	}
	if err := b.Command(ctx, making, installer, args...).Run(); err != nil {
		return err
	}
	return b.publish(making, dir)
}

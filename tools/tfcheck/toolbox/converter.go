package toolbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Converter makes a service of Google's out of an OpenAPI document, as API Gateway does with an API config. It is
// googleapis/api-compiler, from Maven.
type Converter struct {
	box  *Box
	java string
	dir  string // has jars/
}

// Converter fetches the converter once and prepares to run it.
func (b *Box) Converter(ctx context.Context) (*Converter, error) {
	java, err := Need("java", "sudo apt-get install default-jre-headless")
	if err != nil {
		return nil, err
	}
	maven, err := Need("mvn", "sudo apt-get install maven")
	if err != nil {
		return nil, err
	}
	source := filepath.Join(b.Root, "tools", "apicompiler")
	key, err := keyOf(filepath.Join(source, "pom.xml"))
	if err != nil {
		return nil, err
	}
	dir := b.Cache("tools", "apicompiler-"+key)
	if _, err := os.Stat(dir); err != nil {
		if err := b.fetch(ctx, source, dir, []string{"pom.xml"},
			maven, "--batch-mode", "--quiet", "dependency:copy-dependencies"); err != nil {
			return nil, fmt.Errorf("install tools/apicompiler: %w", err)
		}
	}
	return &Converter{box: b, java: java, dir: dir}, nil
}

// Convert returns why a document is refused, a line for each reason; empty if it is taken.
func (c *Converter) Convert(ctx context.Context, document string) (string, error) {
	dir, err := os.MkdirTemp("", "openapi")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	in, service := filepath.Join(dir, "openapi.yaml"), filepath.Join(dir, "service.json")
	if err := os.WriteFile(in, []byte(document), 0o600); err != nil {
		return "", err
	}
	cmd := c.box.Command(ctx, dir, c.java,
		"--add-opens", "java.base/java.lang=ALL-UNNAMED", // it is older than the rule that closes it
		"-cp", filepath.Join(c.dir, "jars", "*"),
		"com.google.api.tools.framework.tools.configgen.ServiceConfigGeneratorTool",
		"--openapi", in, "--service_name", "postern.example.com", "--json_out", service)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	runErr := cmd.Run()
	var reasons []string
	for line := range strings.Lines(out.String()) {
		if reason, ok := strings.CutPrefix(strings.TrimSpace(line), "ERROR: "); ok {
			reasons = append(reasons, reason)
		}
	}
	if _, err := os.Stat(service); err != nil && len(reasons) == 0 {
		return "", fmt.Errorf("api-compiler: %w\n%s", errors.Join(runErr, err), &out)
	}
	return strings.Join(reasons, "\n"), nil
}

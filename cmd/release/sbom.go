package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

const sbomTool = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"

// sbom writes the modules that a program was linked from, the standard library included.
func sbom(ctx context.Context, program, name, release string) error {
	said, err := command(ctx, "go", "run", sbomTool, "bin",
		"-json", "-std", "-short-purls", "-noserial", "-notimestamp",
		"-version", release, program)
	if err != nil {
		return err
	}
	list, err := withoutMachine(said)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, name+".cdx.json"), list, 0o644)
}

// withoutMachine takes from an SBOM what differs from one machine to the next: the checksums
// of the tool that wrote it, and the settings and checksum of this very build.
func withoutMachine(data []byte) ([]byte, error) {
	var list map[string]any
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	metadata, _ := list["metadata"].(map[string]any)
	delete(metadata, "properties")
	tools, _ := metadata["tools"].([]any)
	for _, t := range tools {
		if tool, ok := t.(map[string]any); ok {
			delete(tool, "hashes")
		}
	}
	return json.MarshalIndent(list, "", "  ")
}

package main

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/manifest"
)

// A proof is what is known of a zip that was built and started.
type proof struct {
	BinarySize int64
	how        string // "now" or "before"
}

// proveOnce proves a zip, unless this very zip was proved before with this Go.
func proveOnce(root, zipPath, release string, f manifest.Function, over manifest.Store) (proof, error) {
	hash, err := fileHash(zipPath)
	if err != nil {
		return proof{}, err
	}
	marker := filepath.Join(root, ".cache", "proved", f.Name+"-"+hash[:16]+"-"+runtime.Version())
	if data, err := os.ReadFile(marker); err == nil {
		var p proof
		if json.Unmarshal(data, &p) == nil {
			p.how = "before"
			return p, nil
		}
	}
	p, err := prove(zipPath, release, f, over)
	if err != nil {
		return p, err
	}
	data, err := json.Marshal(p)
	err = errors.Join(err, os.MkdirAll(filepath.Dir(marker), 0o755), os.WriteFile(marker, data, 0o644))
	if err != nil {
		return p, err
	}
	return p, nil
}

// prove unpacks the zip, builds it as the buildpack does, without network, module
// cache or workspace, and sees it answer.
func prove(zipPath, release string, f manifest.Function, over manifest.Store) (proof, error) {
	dir, err := os.MkdirTemp("", "postern-prove-")
	if err != nil {
		return proof{}, err
	}
	defer removeAll(dir)
	source := filepath.Join(dir, "serverless_function_source_code")
	if err := unzip(zipPath, source); err != nil {
		return proof{}, err
	}
	if err := checkRoot(source); err != nil {
		return proof{}, err
	}
	binary, err := build(dir, source, release)
	if err != nil {
		return proof{}, err
	}
	if err := checkLinked(binary, f, over); err != nil {
		return proof{}, err
	}
	if err := start(binary, f); err != nil {
		return proof{}, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return proof{}, err
	}
	return proof{BinarySize: info.Size(), how: "now"}, nil
}

func unzip(zipPath, to string) error {
	z, err := zip.OpenReader(zipPath)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		path := filepath.Join(to, filepath.FromSlash(f.Name))
		if !strings.HasPrefix(path, to+string(filepath.Separator)) {
			return fmt.Errorf("zip has the path %s", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		err = errors.Join(err, r.Close(), os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644))
		if err != nil {
			return err
		}
	}
	return nil
}

// checkRoot checks what the buildpack demands of the zip's root: one package, which is
// not main; go.mod; no go.work; the framework vendored and imported.
func checkRoot(source string) error {
	if _, err := os.Stat(filepath.Join(source, "go.work")); err == nil {
		return errors.New("the zip has a go.work")
	}
	framework := "github.com/GoogleCloudPlatform/functions-framework-go/"
	if _, err := os.Stat(filepath.Join(source, "vendor", filepath.FromSlash(framework), "funcframework")); err != nil {
		return errors.New("the zip does not vendor funcframework")
	}
	paths, err := filepath.Glob(filepath.Join(source, "*.go"))
	if err != nil {
		return err
	}
	packages, declarative := map[string]bool{}, false
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		packages[f.Name.Name] = true
		for _, i := range f.Imports {
			declarative = declarative || strings.Trim(i.Path.Value, `"`) == framework+"functions"
		}
	}
	if len(packages) != 1 || packages["main"] {
		return fmt.Errorf("the zip's root must be one package that is not main, it has %v", packages)
	}
	if !declarative {
		return errors.New("no file of the zip's root imports the functions package")
	}
	return nil
}

const mainTemplate = `package main

import (
	"log"
	"os"

	_ %q

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

func main() {
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		log.Fatalf("Function failed to start: %%v\n", err)
	}
}
`

func build(dir, source, release string) (string, error) {
	env := append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local",
		"GOPATH="+filepath.Join(dir, "gopath"), "GOMODCACHE="+filepath.Join(dir, "gopath", "mod"))
	list := exec.Command("go", "list", "-m")
	list.Dir, list.Env = source, env
	module, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	path := strings.TrimSpace(string(module))
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return "", fmt.Errorf("module path %s has no dot in its first element", path)
	}
	app := filepath.Join(source, "functions.local", "app")
	if err := os.MkdirAll(app, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(app, "main.go"), fmt.Appendf(nil, mainTemplate, path), 0o644); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "main")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", linkFlags(release), "-o", binary, app)
	cmd.Dir, cmd.Env = source, env
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, output)
	}
	return binary, nil
}

// checkLinked sees that the binary contains no module that its function must not link, least
// of all another store's. The arrows test in shared does so for packages.
func checkLinked(binary string, f manifest.Function, over manifest.Store) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	for _, dep := range info.Deps {
		if f.Forbidden(dep.Path, over) != "" {
			return fmt.Errorf("the binary links %s", dep.Path)
		}
	}
	return nil
}

// start runs the binary as the platform does. Without settings it must refuse, in
// words that name them; with the framework alone (no K_SERVICE) it must answer.
func start(binary string, f manifest.Function) error {
	event := f.Trigger == manifest.Event
	refused := exec.Command(binary)
	refused.Env = []string{"K_SERVICE=" + f.Name, "FUNCTION_TARGET=" + f.Name, "PORT=0"}
	output, err := refused.CombinedOutput()
	if err == nil || !bytes.Contains(output, []byte("ISSUER_URL")) && !event {
		return fmt.Errorf("without settings it must end and name ISSUER_URL, it said: %s", output)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	cmd := exec.Command(binary)
	cmd.Env = []string{"FUNCTION_TARGET=" + f.Name, "FUNCTION_SIGNATURE_TYPE=" + string(f.Trigger), "PORT=" + port}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://127.0.0.1:" + port + "/")
		if err != nil {
			continue
		}
		resp.Body.Close()
		// Unconfigured, an HTTP function answers 503; an event function
		// answers 400 to what is not an event.
		if resp.StatusCode == http.StatusServiceUnavailable || event && resp.StatusCode == http.StatusBadRequest {
			return nil
		}
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return errors.New("it did not answer")
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// removeAll removes a directory in which Go made files read-only.
func removeAll(dir string) {
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error { return os.Chmod(path, 0o755) })
	_ = os.RemoveAll(dir)
}

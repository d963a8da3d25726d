package test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

// conformance starts the official suite. Its own Node comes with it: the suite needs 22.
func conformance(t *testing.T, args ...string) *rig.Process {
	t.Helper()
	dir := rig.Npm(t, "conformance")
	return rig.Launch(t, rig.Command{
		Name: "conformance",
		Path: filepath.Join(dir, "node_modules", "node", "bin", "node"),
		Args: append([]string{
			filepath.Join(dir, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"),
		}, args...),
		Dir: t.TempDir(),
		Env: map[string]string{"NO_COLOR": "1"},
	})
}

var (
	printedURL = regexp.MustCompile(`http://\S+/authorize\?\S+`)
	skipped    = regexp.MustCompile(`(?i)skipped`)
)

func TestOfficialSuitePassesTheAuthorizationServer(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := rig.Start(t, rig.Options{})
	a := rig.NewApp(s)
	port := freeport.Port(t)
	a.Redirect = "http://127.0.0.1:" + port + "/callback"
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	results := t.TempDir()
	suite := conformance(t, "authorization", "--url", s.URL, "--client-id", a.ID, "--resource", s.MCP,
		"--port", port, "-o", results)
	said, err := suite.Says(t.Context(), printedURL)
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Browser(a.Redirect).Walk(t.Context(), said[0], "octocat")
	if err != nil {
		t.Fatal(err)
	}
	// The suite listens there, soon after it has printed the URL.
	eventually(t, "the suite's callback", func() error {
		resp, err := http.Get(back.String())
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	code, err := suite.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report := suite.Log.String(); code != 0 || skipped.MatchString(report) {
		t.Errorf("got exit code %d, want 0 with nothing skipped:\n%s", code, report)
	}
	passed := 0
	for _, c := range readChecks(t, results) {
		if c.Status != "SUCCESS" {
			t.Errorf("%s: got %s, want SUCCESS: %s", c.ID, c.Status, c.Error)
			continue
		}
		passed++
	}
	if passed != 3 {
		t.Errorf("got %d checks passed, want 3: metadata, what it advises, and the code grant", passed)
	}
}

// A check is one entry of a scenario's checks.json.
type check struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Error  string `json:"errorMessage"`
}

func readChecks(t *testing.T, dir string) []check {
	t.Helper()
	var all []check
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "checks.json" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var list []check
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		all = append(all, list...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The suite's own tools, prompts and resources, made as any author makes theirs (test/suite),
// behind the real sign-in. The baselines name each scenario that cannot pass, with the
// reason; one in them that passes fails the test too.
func TestOfficialSuitePassesTheMCPServer(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := startSuite(t)
	a := rig.NewApp(s)
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := a.SignIn(t.Context(), s.Browser(a.Redirect), "octocat"); err != nil {
		t.Fatal(err)
	}
	mcp := withBearer(t, s.URL, a.AccessToken) + "/mcp"
	for _, revision := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(revision, func(t *testing.T) {
			baseline, err := filepath.Abs(fmt.Sprintf("testdata/conformance/baseline-%s.yml", revision))
			if err != nil {
				t.Fatal(err)
			}
			results := t.TempDir()
			suite := conformance(t, "server", "--url", mcp, "--requirements", revision,
				"--expected-failures", baseline, "--timeout", "120000", "-o", results)
			code, err := suite.Wait(t.Context())
			for _, unscored := range also[revision] {
				if !strings.Contains(suite.Log.String(), "✓ "+unscored+":") {
					t.Errorf("%s, which is not scored: got no success", unscored)
				}
			}
			if err == nil && code == 0 {
				return
			}
			t.Errorf("got exit code %d, %v; want 0:\n%s", code, err, suite.Log.Tail(600))
			for _, c := range readChecks(t, results) {
				if c.Status != "SUCCESS" && c.Status != "INFO" {
					t.Logf("%s: %s %s", c.ID, c.Status, c.Error)
				}
			}
		})
	}
}

// also are scenarios that the suite runs and does not score, and that pass.
var also = map[string][]string{
	"2026-07-28": {"json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"},
	"2025-11-25": {"json-schema-2020-12"},
}

// startSuite starts postern dev, and beside it the program with the suite's parts.
func startSuite(t *testing.T) *rig.Server {
	t.Helper()
	dir := t.TempDir()
	data := filepath.Join(dir, ".postern") // where the program looks for it
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	s := rig.Start(t, rig.Options{Data: data, Args: []string{"--tools", "http://" + address}})
	_, port, _ := strings.Cut(address, ":")
	rig.Launch(t, rig.Command{
		Name: "suite", Path: rig.Program(t, "test/suite/cmd"), Dir: dir,
		Env: map[string]string{"PORT": port, "ISSUER_URL": s.URL},
	})
	eventually(t, "the suite's tools", func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	})
	return s
}

// withBearer is a proxy in front of origin that adds a token, because the suite cannot
// send one. Host and streams stay as they are.
func withBearer(t *testing.T, origin, token string) string {
	t.Helper()
	target, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Header.Set("Authorization", "Bearer "+token)
		},
		Transport:     rig.Whole(http.DefaultTransport),
		FlushInterval: -1,
	})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

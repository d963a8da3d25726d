package rig

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A GitHub is the fake GitHub as a process of its own, on another site than the server.
type GitHub struct {
	URL string

	t       testing.TB
	secret  string
	id      string
	process *Process
}

var githubSays = regexp.MustCompile(`(?s)^(http://\S+)\nclient id: (\S+)\nclient secret: (\S+)\n`)

// StartGitHub starts it, with flags of the program.
func StartGitHub(t testing.TB, flags ...string) *GitHub {
	t.Helper()
	path := Program(t, "test/kit/oauthtest/cmd/fakegithub")
	p := Launch(t, Command{Name: "fakegithub", Path: path, Args: append([]string{"-host", "localhost"}, flags...)})
	said, err := p.Says(t.Context(), githubSays)
	if err != nil {
		t.Fatal(err)
	}
	return &GitHub{t: t, process: p, URL: said[1], id: said[2], secret: said[3]}
}

// Settings are those of a server that uses it and lets in whom allow says.
func (g *GitHub) Settings(allow string) map[string]string {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "github-client-secret")
	if err := os.WriteFile(file, []byte(g.secret+"\n"), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return map[string]string{
		"IDENTITY_PROVIDER": "github", "ALLOW": allow,
		"GITHUB_URL": g.URL, "GITHUB_API_URL": g.URL,
		"GITHUB_CLIENT_ID": g.id, "GITHUB_CLIENT_SECRET_FILE": file,
	}
}

// Do turns one of its knobs (package oauthtest lists them) and returns what it says.
func (g *GitHub) Do(knob string, fields map[string]string) string {
	g.t.Helper()
	form := url.Values{"do": {knob}}
	for name, value := range fields {
		form.Set(name, value)
	}
	resp, err := http.PostForm(g.URL+"/_control", form)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		g.t.Fatalf("%s: status %d: %v", knob, resp.StatusCode, err)
	}
	return strings.TrimSpace(string(body))
}

// ClientID is the id of the OAuth app.
func (g *GitHub) ClientID() string { return g.id }

// Secret is the client secret of the OAuth app, which must not be logged either.
func (g *GitHub) Secret() string { return g.secret }

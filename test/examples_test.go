package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/freeport"
)

// beside starts the program of an example, as its author does, with settings and in the
// directory where postern dev keeps its data. It ends when stop is called.
func beside(t *testing.T, example, address, dir string, settings map[string]string) (stop func()) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	settings = maps.Clone(settings)
	settings["PORT"] = port
	p := rig.Launch(t, rig.Command{
		Name: example, Path: rig.Program(t, "examples/"+example+"/cmd"), Dir: dir, Env: settings,
	})
	eventually(t, example, func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	})
	return func() {
		p.Kill()
		_, _ = p.Wait(t.Context()) // it was killed
	}
}

// A client uses the example report through postern dev --tools: progress, a picture, a
// prompt and a resource. For the tool that needs a scope it asks the person again.
func TestTheExampleReport(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	dir, address := t.TempDir(), freeport.Addresses(t, 1)[0]
	data := filepath.Join(dir, ".postern")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"SCOPES": `[{"name": "certify", "words": "stand for a report in your name"}]`}
	s := rig.Start(t, rig.Options{
		Data: data, Settings: settings, Args: []string{"--tools", "http://" + address},
	})
	settings["ISSUER_URL"] = s.URL
	beside(t, "report", address, dir, settings)
	c := connectGo(t, s, "octocat")
	figures := map[string]any{"title": "Sales", "figures": []map[string]any{
		{"label": "January", "value": 2}, {"label": "February", "value": 8},
	}}
	params := &mcp.CallToolParams{Name: "report", Arguments: figures}
	params.SetProgressToken("report")
	result, err := c.session.CallTool(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	picture, ok := result.Content[1].(*mcp.ImageContent)
	if !ok {
		t.Fatalf("report: got %+v, want a picture", result.Content)
	}
	if _, err := png.Decode(bytes.NewReader(picture.Data)); err != nil {
		t.Error(err)
	}
	eventually(t, "progress", func() error {
		if got := c.progress.Load(); got != 2 {
			return fmt.Errorf("got %d notices, want 2", got)
		}
		return nil
	})
	prompt, err := c.session.GetPrompt(t.Context(), &mcp.GetPromptParams{
		Name: "quarter", Arguments: map[string]string{"subject": "sales"},
	})
	if err != nil || len(prompt.Messages) != 1 {
		t.Errorf("prompt: got %+v, %v", prompt, err)
	}
	read, err := c.session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "report://format"})
	if err != nil || len(read.Contents) != 1 {
		t.Errorf("resource: got %+v, %v", read, err)
	}
	if got := c.logins.Load(); got != 1 {
		t.Fatalf("got %d logins, want 1", got)
	}
	result, err = c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: "certify", Arguments: figures})
	if err != nil {
		t.Fatalf("certify: %v", err)
	}
	if by := result.StructuredContent.(map[string]any)["by"]; by != "octocat" || c.logins.Load() != 2 {
		t.Errorf("certify: got a report by %v after %d logins, want octocat after 2", by, c.logins.Load())
	}
}

// A client searches what somebody has at GitHub by the example github-search. Without
// GITHUB_SCOPES it finds what is public. With it, who signed in before reads to sign in
// again, and then what is private is found and fetched.
func TestTheExampleGitHubSearch(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	g := rig.StartGitHub(t)
	g.Do("repository", map[string]string{"login": "octocat", "name": "hello", "description": "greets the world"})
	g.Do("repository", map[string]string{
		"login": "octocat", "name": "diary", "description": "what I did in the world", "private": "true",
		"issue": "Monday", "body": "Saw the world.",
	})
	address, settings := freeport.Addresses(t, 1)[0], g.Settings("user:octocat")
	s := rig.Start(t, rig.Options{Settings: settings, Args: []string{"--tools", "http://" + address}})
	s.Witness.Remember(g.Secret())
	own := func() map[string]string {
		keys := filepath.Join(s.Data(), "keys")
		all := map[string]string{
			"ISSUER_URL": s.URL, "STORE": "embedded:" + s.Data(),
			"FERNET_KEYS_FILE":       filepath.Join(keys, "fernet-keys"),
			"VERIFICATION_KEYS_FILE": filepath.Join(keys, "verification-keys.json"),
			"IDENTITY_KEYS_FILE":     filepath.Join(keys, "identity-keys.json"),
		}
		maps.Copy(all, settings)
		return all
	}
	stop := beside(t, "github-search", address, s.Data(), own())
	before := connectGo(t, s, "octocat")
	if got := found(t, before); !slices.Equal(got, []string{"octocat/hello"}) {
		t.Errorf("without the scope: got %q, want what is public", got)
	}

	settings["GITHUB_SCOPES"] = "repo" // which the rig reads at each start
	stop()
	s.Kill()
	s.Restart()
	beside(t, "github-search", address, s.Data(), own())
	if _, err := searched(t.Context(), before); err == nil || !strings.Contains(err.Error(), "sign in again") {
		t.Errorf("with a token from before: got %v, want to sign in again", err)
	}
	after := connectGo(t, s, "octocat")
	if got := found(t, after); !slices.Equal(got, []string{"octocat/diary", "octocat/diary#1", "octocat/hello"}) {
		t.Errorf("with the scope: got %q, want what is private as well", got)
	}
	result, err := after.session.CallTool(t.Context(), &mcp.CallToolParams{
		Name: "fetch", Arguments: map[string]any{"id": "octocat/diary#1"},
	})
	if err != nil || result.IsError {
		t.Fatalf("fetch: got %+v, %v", result, err)
	}
	if text := result.StructuredContent.(map[string]any)["text"]; text != "Saw the world." {
		t.Errorf("fetch: got %q", text)
	}
	if got := found(t, before); len(got) != 3 { // one token a person, the newest
		t.Errorf("the client from before, after the sign-in: got %q, want all three", got)
	}
}

// found returns the ids that a search for the world finds, sorted.
func found(t *testing.T, c *goClient) []string {
	t.Helper()
	ids, err := searched(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func searched(ctx context.Context, c *goClient) ([]string, error) {
	result, err := c.session.CallTool(ctx, &mcp.CallToolParams{
		Name: "search", Arguments: map[string]any{"query": "world"},
	})
	if err != nil {
		return nil, err
	}
	text := result.Content[0].(*mcp.TextContent).Text
	if result.IsError {
		return nil, fmt.Errorf("search: %s", text)
	}
	var got struct{ Results []struct{ ID string } }
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range got.Results {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids, nil
}

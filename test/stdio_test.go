package test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/tool"
)

// running is the line of the log about a process of a command.
var running = regexp.MustCompile(`"the command runs".*"pid":(\d+)`)

// A server on FastMCP that speaks over standard input and output is behind postern serve as
// it is: it knows who calls, its progress arrives, it hears of a cancelled call, it is
// started again when it was killed, what it says is in the log, and it ends with the server.
func TestFastMCPOverStdioUnderServe(t *testing.T) {
	rig.Slow(t)
	dir, python := rig.Python(t)
	g := rig.StartGitHub(t, "-callback", "https://"+servedHost+"/auth/callback")
	settings := g.Settings("user:octocat")
	s, _ := onOneMachine(t, "tls-alpn-01", settings, "--", python, filepath.Join(dir, "stdio.py"))
	s.Witness.Remember(g.Secret())
	c := connectGo(t, s, "octocat")
	who, err := c.textOf(t.Context(), "whoami")
	if err != nil || !regexp.MustCompile(`^github:\d+$`).MatchString(who) {
		t.Fatalf("whoami: got %q, %v; want a subject of GitHub", who, err)
	}
	if got, err := c.textOf(t.Context(), "count"); got != "counted" {
		t.Fatalf("count: got %q, %v", got, err)
	}
	eventually(t, "progress", func() error {
		if got := c.progress.Load(); got != 3 {
			return fmt.Errorf("got %d notices, want 3", got)
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := c.textOf(ctx, "wait")
		ended <- err
	}()
	eventually(t, "progress of a call that goes on", func() error {
		if c.progress.Load() != 4 {
			return errors.New("not yet")
		}
		return nil
	})
	cancel()
	if err := <-ended; err == nil {
		t.Error("the cancelled call: got a result, want none")
	}
	said(t, s, `"line":"cancelled"`)
	said(t, s, `"upstream":"`+regexp.QuoteMeta(python)+`"`)

	pid, err := strconv.Atoi(said(t, s, running.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	said(t, s, "the command ended by itself")
	if got, err := c.textOf(t.Context(), "whoami"); got != who {
		t.Errorf("after it was killed: got %q, %v; want %q", got, err, who)
	}
	if status := ends(t, s.Process()); status != 0 {
		t.Errorf("got exit status %d, want 0", status)
	}
	for _, started := range running.FindAllStringSubmatch(s.LogText(), -1) {
		pid, _ := strconv.Atoi(started[1]) // digits
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d after the end: got %v, want that it is gone", pid, err)
		}
	}
}

// said waits for a line of the server's log.
func said(t *testing.T, s *rig.Server, line string) []string {
	t.Helper()
	found, err := s.Process().Says(t.Context(), regexp.MustCompile(line))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The reference server of the protocol, on the TypeScript SDK: tools, a picture, progress,
// prompts and resources. It is told who the person is, and none of our settings. What it
// would ask a client for, it does not offer.
func TestServerEverythingOverStdioUnderServe(t *testing.T) {
	rig.Slow(t)
	dir := rig.Npm(t, ".")
	program := filepath.Join(dir, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js")
	g := rig.StartGitHub(t, "-callback", "https://"+servedHost+"/auth/callback")
	settings := g.Settings("user:octocat")
	s, _ := onOneMachine(t, "tls-alpn-01", settings, "--", tool.Node.Need(t), program)
	s.Witness.Remember(g.Secret())
	c := connectGo(t, s, "octocat")
	env, err := c.textOf(t.Context(), "get-env")
	told, leaked := strings.Contains(env, `"POSTERN_SUBJECT": "github:`), strings.Contains(env, "GITHUB_CLIENT_ID")
	if err != nil || !told || leaked {
		t.Errorf("get-env: got %s, %v; want the person and no setting", env, err)
	}
	picture, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: "get-tiny-image"})
	if err != nil {
		t.Fatal(err)
	}
	if image, ok := picture.Content[1].(*mcp.ImageContent); !ok || image.MIMEType != "image/png" {
		t.Errorf("get-tiny-image: got %+v, want a picture", picture.Content)
	}
	params := &mcp.CallToolParams{
		Name: "trigger-long-running-operation", Arguments: map[string]any{"duration": 0.2, "steps": 4},
	}
	params.SetProgressToken("long")
	before := c.progress.Load()
	if _, err := c.session.CallTool(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	eventually(t, "progress", func() error {
		if got := c.progress.Load() - before; got != 4 {
			return fmt.Errorf("got %d notices, want 4", got)
		}
		return nil
	})
	prompt, err := c.session.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "simple-prompt"})
	if err != nil || len(prompt.Messages) == 0 {
		t.Errorf("simple-prompt: got %+v, %v", prompt, err)
	}
	resources, err := c.session.ListResources(t.Context(), nil)
	if err != nil || len(resources.Resources) == 0 {
		t.Fatalf("resources: got %+v, %v", resources, err)
	}
	uri := resources.Resources[0].URI
	read, err := c.session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
	if err != nil || len(read.Contents) == 0 {
		t.Errorf("%s: got %+v, %v", uri, read, err)
	}
	for found, err := range c.session.Tools(t.Context(), nil) {
		if err != nil || strings.Contains(found.Name, "elicitation") || strings.Contains(found.Name, "sampling") {
			t.Errorf("tools: got %+v, %v; want none that asks the client", found, err)
		}
	}
}

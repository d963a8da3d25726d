package test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/tool"
)

// A tsClient is a client program on one of the TypeScript SDKs, in a process of its own
// (test/npm/session.mjs says how to talk to it). What it keeps is in a file.
type tsClient struct {
	t       *testing.T
	s       *rig.Server
	command rig.Command
	process *rig.Process
	answers chan string
	logins  int
}

// tsKinds are the programs, and the arguments behind the common ones.
var tsKinds = map[string][]string{
	"sdk 1":                  {"client1.mjs"},
	"client 2, handshake":    {"client2.mjs", "legacy"},
	"client 2, no handshake": {"client2.mjs", "auto"},
}

func startTS(t *testing.T, s *rig.Server, kind string) *tsClient {
	t.Helper()
	dir := rig.Npm(t, ".")
	node := tool.Node.Need(t)
	kept := filepath.Join(t.TempDir(), "kept.json")
	args := append([]string{filepath.Join(dir, tsKinds[kind][0]), s.MCP, kept, rig.RedirectURI}, tsKinds[kind][1:]...)
	c := &tsClient{t: t, s: s, command: rig.Command{Name: "client", Path: node, Args: args, Dir: dir}}
	c.start()
	return c
}

// start starts the process, for the first time or again.
func (c *tsClient) start() {
	c.t.Helper()
	r, w := io.Pipe()
	c.answers = make(chan string)
	c.command.Stdout = w
	c.process = rig.Launch(c.t, c.command)
	c.t.Cleanup(func() { w.Close() })
	go func(lines chan<- string) {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}(c.answers)
}

// A tsAnswer is a line of the program.
type tsAnswer struct {
	Authorize string `json:"authorize"`
	Connected bool   `json:"connected"`
	Failed    string `json:"failed"`
	Result    struct {
		IsError           bool     `json:"isError"`
		StructuredContent identity `json:"structuredContent"`
	} `json:"result"`
}

// do sends one step and returns the answer.
func (c *tsClient) do(step map[string]string) (*tsAnswer, error) {
	line, err := json.Marshal(step)
	if err != nil {
		return nil, err
	}
	if _, err := c.process.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), rig.Patience)
	defer cancel()
	select {
	case line, ok := <-c.answers:
		if !ok {
			return nil, errors.New("the client ended")
		}
		answer := new(tsAnswer)
		return answer, json.Unmarshal([]byte(line), answer)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: no answer: %w", step["do"], ctx.Err())
	}
}

// connect opens MCP; a person signs in if the client asks for it.
func (c *tsClient) connect(login string) {
	c.t.Helper()
	answer, err := c.do(map[string]string{"do": "connect"})
	if err == nil && answer.Authorize != "" {
		c.logins++
		back := c.s.Browser(rig.RedirectURI).SignIn(c.t, answer.Authorize, login)
		answer, err = c.do(map[string]string{"do": "answer", "url": back.String()})
	}
	if err != nil || !answer.Connected {
		c.t.Fatalf("connect: got %+v, %v; want connected", answer, err)
	}
}

// whoami calls the tool and returns the login it names.
func (c *tsClient) whoami() (string, error) {
	answer, err := c.do(map[string]string{"do": "call", "tool": "whoami"})
	switch {
	case err != nil:
		return "", err
	case answer.Failed != "":
		return "", errors.New(answer.Failed)
	case answer.Result.IsError:
		return "", errors.New("whoami: the tool failed")
	}
	return answer.Result.StructuredContent.Login, nil
}

func TestTypeScriptClientsSignInOnceAndRefresh(t *testing.T) {
	rig.Slow(t)
	for kind := range tsKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := rig.Start(t, rig.Options{Settings: map[string]string{"ACCESS_TOKEN_TTL": "2s"}})
			c := startTS(t, s, kind)
			c.connect("octocat")
			eventually(t, "two refreshes", func() error {
				login, err := c.whoami()
				if err != nil {
					t.Fatalf("whoami: %v", err)
				}
				if login != "octocat" {
					t.Fatalf("got login %q, want octocat", login)
				}
				if got := s.Witness.Refreshes(); got < 2 {
					return fmt.Errorf("got %d refreshes, want 2", got)
				}
				return nil
			})
			c.once()
		})
	}
}

// once checks that nobody had to register or sign in a second time.
func (c *tsClient) once() {
	c.t.Helper()
	if c.logins != 1 {
		c.t.Errorf("got %d sign-ins, want 1", c.logins)
	}
	if got := c.s.Witness.Registrations(); got != 1 {
		c.t.Errorf("got %d registrations, want 1", got)
	}
}

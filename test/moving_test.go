package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/redis"
)

// An oldServer is a FastMCP server whose clients are to come over.
type oldServer struct {
	python string
	where  string            // where it stores its state, as test/python/moving.py takes it
	env    map[string]string // besides

	from   func() string // as postern import takes it
	sealed bool          // under the client secret of its upstream
}

// byDefault is a server of which nothing was said: it seals its state in its home.
func byDefault(t *testing.T, python, pattern, kind string) oldServer {
	home := t.TempDir()
	return oldServer{
		python: python, where: "default", env: map[string]string{"FASTMCP_HOME": home}, sealed: true,
		from: func() string {
			found, err := filepath.Glob(filepath.Join(home, pattern))
			if err != nil || len(found) != 1 {
				t.Fatalf("got stores %q, %v; want one", found, err)
			}
			return kind + ":" + found[0]
		},
	}
}

// oldServers are every version's store as it comes, and the stores that people choose.
var oldServers = map[string]func(t *testing.T) oldServer{
	"2.13.0.2": func(t *testing.T) oldServer {
		return byDefault(t, rig.FastMCP(t, "2.13"), "oauth-proxy", "disk")
	},
	"2.14": func(t *testing.T) oldServer {
		return byDefault(t, rig.FastMCP(t, "2.14"), "oauth-proxy", "disk")
	},
	"3": func(t *testing.T) oldServer {
		return byDefault(t, rig.FastMCP(t, "3"), "oauth-proxy/*", "file")
	},
	"4": func(t *testing.T) oldServer {
		_, python := rig.Python(t)
		return byDefault(t, python, "oauth-proxy/*", "file")
	},
	"2.13.0.2, disk, plain": func(t *testing.T) oldServer {
		where := "disk:" + t.TempDir()
		return oldServer{python: rig.FastMCP(t, "2.13"), where: where, from: func() string { return where }}
	},
	"3, Redis": func(t *testing.T) oldServer {
		where := redis.Start(t)
		return oldServer{python: rig.FastMCP(t, "3"), where: "redis:" + where, from: func() string { return where }}
	},
	"3, Firestore": func(t *testing.T) oldServer {
		where := "firestore:" + emulator.Project(t)
		at := map[string]string{emulator.Variable: os.Getenv(emulator.Variable)}
		return oldServer{python: rig.FastMCP(t, "3"), where: where, env: at, from: func() string { return where }}
	},
}

// start starts the server at the origin of s, in place of Postern, which rests.
func (o oldServer) start(t *testing.T, s *rig.Server, g *rig.GitHub) *rig.Process {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(address, ":")
	script := filepath.Join(rig.Root(t), "test", "python", "moving.py")
	p := rig.Launch(t, rig.Command{
		Name: "fastmcp", Path: o.python, Env: o.env,
		Args: []string{script, s.URL, port, g.URL, g.ClientID(), g.Secret(), o.where},
	})
	if _, err := p.Says(t.Context(), regexp.MustCompile(`Uvicorn running`)); err != nil {
		t.Fatal(err)
	}
	s.Elsewhere(address)
	return p
}

// importInto runs postern import over the records of s and returns what it wrote.
func (o oldServer) importInto(t *testing.T, s *rig.Server, g *rig.GitHub, args ...string) string {
	t.Helper()
	args = append([]string{"import", "fastmcp", "--store", "embedded:" + s.Data(), "--from", o.from()}, args...)
	if o.sealed {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(g.Secret()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--key-file", file)
	}
	cmd := exec.CommandContext(t.Context(), rig.Program(t, "cmd/postern"), args...)
	cmd.Env = os.Environ()
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("postern import: %v\n%s", err, out)
	}
	return string(out)
}

// A program that registered with a FastMCP server and signed in there goes on against Postern
// at the same origin: it registers nowhere again, and its person signs in once more. So does
// one that was told to send a secret, whether or not the old server kept it.
func TestClientsOfFastMCPMoveIn(t *testing.T) {
	rig.Slow(t)
	for name, of := range oldServers {
		t.Run(name, func(t *testing.T) {
			old, g := of(t), rig.StartGitHub(t)
			s := rig.Start(t, rig.Options{Settings: g.Settings("user:octocat")})
			newApp(t, s) // the first record makes the store
			s.Kill()
			fastmcp := old.start(t, s, g)
			c := startTS(t, s, "sdk 1")
			c.connect("octocat")
			apps := map[string]*rig.App{}
			for _, method := range []string{"client_secret_post", "client_secret_basic"} {
				a := rig.NewApp(s)
				a.Method = method
				if err := a.Register(t.Context(), nil); err != nil {
					t.Logf("%s is not for this server: %v", method, err)
					continue
				}
				apps[method] = a
			}
			if apps["client_secret_post"] == nil {
				t.Fatal("want a client with a secret")
			}
			registered := s.Witness.Registrations()
			fastmcp.Stop()

			all := len(apps) + 1
			wantCounts(t, old.importInto(t, s, g, "--json"), "comes", all)
			wantCounts(t, old.importInto(t, s, g, "--json", "--apply"), "came", all)
			wantCounts(t, old.importInto(t, s, g, "--json", "--apply"), "already here", all)
			s.Restart()

			c.connect("octocat")
			if login, err := c.whoami(); err != nil || login != "octocat" {
				t.Errorf("got %q, %v; want octocat", login, err)
			}
			for method, a := range apps {
				if err := a.SignIn(t.Context(), s.Browser(a.Redirect), "octocat"); err != nil {
					t.Errorf("%s: %v", method, err)
				}
				if err := a.Refresh(t.Context()); err != nil {
					t.Errorf("%s: %v", method, err)
				}
			}
			if got := s.Witness.Registrations(); got != registered {
				t.Errorf("got %d registrations after the move, want none", got-registered)
			}
			if c.logins != 2 {
				t.Errorf("got %d sign-ins, want one at each server", c.logins)
			}
		})
	}
}

// wantCounts checks that every document of an answer is in one state.
func wantCounts(t *testing.T, out, state string, want int) {
	t.Helper()
	var answer struct {
		Items []struct{ State, Reason string }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	got := 0
	for _, item := range answer.Items {
		if item.State == state && item.Reason == "" {
			got++
		}
	}
	if got != want || len(answer.Items) != want {
		t.Errorf("got %d of %d documents %q, want all of %d:\n%s", got, len(answer.Items), state, want, out)
	}
}

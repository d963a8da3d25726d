package test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// A keeper is a place where a server keeps its records, one that outlives its processes.
type keeper struct {
	name     string
	replicas int
	store    func(t *testing.T) map[string]string
}

var keepers = []keeper{
	{"embedded", 1, func(*testing.T) map[string]string { return nil }},
	{"embedded, three processes on one file", 3, func(*testing.T) map[string]string { return nil }},
	{"Firestore, three replicas", 3, func(t *testing.T) map[string]string {
		project := emulator.Project(t)
		return map[string]string{"STORE": "firestore:" + project}
	}},
	{"PostgreSQL, three replicas", 3, func(t *testing.T) map[string]string {
		return map[string]string{"STORE": migrated(t, postgres.Database(t))}
	}},
}

// startKept starts a server whose access tokens die quickly, so that a client that goes
// on has refreshed.
func startKept(t *testing.T, k keeper) *rig.Server {
	t.Helper()
	settings := map[string]string{"ACCESS_TOKEN_TTL": "2s", "REVOCATION_MAX_AGE": "0s"}
	maps.Copy(settings, k.store(t))
	return rig.Start(t, rig.Options{Replicas: k.replicas, Settings: settings})
}

// The main job: a client that signed in once goes on after every process was killed.
func TestGoClientSurvivesKillOfEverything(t *testing.T) {
	rig.Slow(t)
	for _, k := range keepers {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := startKept(t, k)
			c := connectGo(t, s, "octocat")
			for round := range 3 {
				s.Kill()
				if who, err := c.whoami(t.Context()); err == nil {
					t.Fatalf("round %d: got %+v from a server that is dead", round, who)
				}
				s.Restart()
				before := s.Witness.Refreshes()
				eventually(t, "a refresh after the restart", func() error {
					who, err := c.whoami(t.Context())
					if err != nil {
						t.Fatalf("round %d: whoami after the restart: %v", round, err)
					}
					if who.Login != "octocat" {
						t.Fatalf("got login %q, want octocat", who.Login)
					}
					if s.Witness.Refreshes() == before {
						return fmt.Errorf("no refresh yet")
					}
					return nil
				})
			}
			oneLogin(t, s, c)
		})
	}
}

// The client program is killed as well, and comes back with what it kept in its file.
func TestTypeScriptClientsSurviveKillOfEverything(t *testing.T) {
	rig.Slow(t)
	for kind := range tsKinds {
		for _, k := range keepers[1:3] {
			t.Run(kind+", "+k.name, func(t *testing.T) {
				t.Parallel()
				s := startKept(t, k)
				c := startTS(t, s, kind)
				c.connect("octocat")
				for range 2 {
					s.Kill()
					c.process.Kill()
					s.Restart()
					c.start()
					c.connect("octocat")
					if login, err := c.whoami(); err != nil || login != "octocat" {
						t.Fatalf("whoami after the restart: got %q, %v; want octocat", login, err)
					}
				}
				c.once()
			})
		}
	}
}

// One process of three dies at a time, while the client works.
func TestClientDoesNotNoticeTheDeathOfOneReplica(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	s := startKept(t, keepers[2])
	c := connectGo(t, s, "octocat")
	for round := range 6 {
		s.KillReplica(round % 3)
		for range 6 {
			if _, err := c.whoami(t.Context()); err != nil {
				t.Fatalf("round %d: whoami with two of three replicas: %v", round, err)
			}
		}
		s.StartReplica(round % 3)
	}
	oneLogin(t, s, c)
}

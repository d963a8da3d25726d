package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/fixture"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

type text struct {
	Text string `json:"text"`
}

// echo is a tool that says what it is told, and by whom.
func echo(name string) Part {
	return NewTool(sdk.Tool{Name: name}, func(_ context.Context, c Caller, in text) (text, error) {
		return text{c.Person.Login + ": " + in.Text}, nil
	})
}

func checkedBy(rule string) func(*store.Grant) error {
	return func(g *store.Grant) error {
		g.Person.AllowedBy = rule
		return nil
	}
}

func callTool(name string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `","arguments":{}}}`
}

func TestWhoAmITellsPersonClientAndTimes(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	conn := f.connect(t, "octocat", "Claude", nil)
	w := mustCode(t, f.open(t), request(t.Context(), conn.token, whoAmI), 200)
	got := structured[WhoAmI](t, answerOf(t, w.Body))
	now := f.Clock.Now().UTC()
	want := WhoAmI{
		Subject: "development:octocat", Login: "octocat", Name: "OCTOCAT", ClientID: conn.Grant.ClientID,
		ClientName: "Claude",
		Scopes:     oauth.Scopes{"mcp"}, SignedInSince: now, AccessTokenUntil: now.Add(time.Hour),
		GrantUntil: now.Add(2160 * time.Hour),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("whoami (-want +got):\n%s", d)
	}
}

// Answers reach who asked, whatever ids collide (MP-05, UP-13).
func TestFiveHundredCallersWithOneIDGetTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serve(echo("echo"))
	h := f.open(t)
	var people []connection
	for i := range 20 {
		people = append(people, f.connect(t, fmt.Sprintf("user%d", i), "Client", nil))
	}
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			who := people[i%len(people)]
			body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call",`+
				`"params":{"name":"echo","arguments":{"text":"payload %d"}}}`, i)
			w := do(h, request(t.Context(), who.token, body))
			want := fmt.Sprintf("%s: payload %d", who.Grant.Person.Login, i)
			if !strings.Contains(w.Body.String(), `"text":"`+want+`"`) {
				t.Errorf("caller %d: got %d %s, want %s", i, w.Code, w.Body, want)
			}
		})
	}
	wg.Wait()
}

// Two hundred people, all cold, each sees themselves (UP-13).
func TestTwoHundredPeopleAtOnceSeeThemselves(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	people := make([]connection, 200)
	for i := range people {
		people[i] = f.connect(t, fmt.Sprintf("user%d", i), fmt.Sprintf("client %d", i), nil)
	}
	var wg sync.WaitGroup
	for round := range 3 {
		for i, who := range people {
			wg.Go(func() {
				w := do(h, request(t.Context(), who.token, whoAmI))
				g := who.Grant
				for _, want := range []string{
					`"subject":"` + g.Person.Subject + `"`, `"client_name":"` + g.ClientName + `"`,
				} {
					if !strings.Contains(w.Body.String(), want) {
						t.Errorf("round %d, person %d: got %d %s, want %s", round, i, w.Code, w.Body, want)
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestProfileOfADevelopmentSignInIsTheIdentity(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	conn := f.connect(t, "octocat", "Client", nil)
	w := mustCode(t, f.open(t), request(t.Context(), conn.token, callTool("profile")), 200)
	got := structured[upstream.Profile](t, answerOf(t, w.Body))
	if want := (upstream.Profile{Subject: "development:octocat", Login: "octocat", Name: "OCTOCAT"}); got != want {
		t.Errorf("profile: got %+v, want %+v", got, want)
	}
}

// A profiler is a provider whose profiles a test makes up.
type profiler struct {
	*upstream.Development
	profile func(upstream.Token) (upstream.Profile, error)
}

func (p profiler) Profile(_ context.Context, t upstream.Token) (upstream.Profile, error) {
	return p.profile(t)
}

// The profile is read with what the person's own sign-in left (AT-04, UP-11).
func TestProfileUsesThePersonsOwnUpstreamToken(t *testing.T) {
	t.Parallel()
	kept, err := upstream.Token{AccessToken: credential.Wrap("gho_octocat")}.Marshal()
	must(t, err)
	mine := upstream.Profile{Subject: "development:octocat", Login: "octocat", Bio: "cat"}
	cases := []struct {
		name    string
		kept    []byte
		profile upstream.Profile
		err     error
		want    string // in the answer
	}{
		{"the profile", kept, mine, nil, `"bio":"cat"`},
		{"no token kept", nil, mine, nil, "sign in again"},
		{"token gone at the provider", kept, upstream.Profile{}, fmt.Errorf("read: %w", upstream.ErrTokenDead),
			"sign in again"},
		{"a scope of tools is new", kept, upstream.Profile{}, fmt.Errorf("%w: repo", upstream.ErrScopeMissing),
			"more of your account than when you signed in: remove the connection in your client and sign in again"},
		{"provider down", kept, upstream.Profile{}, errors.New("dial tcp 192.0.2.1"), "try again later"},
		{"another person's profile", kept, upstream.Profile{Subject: "development:mallory", Bio: "secret"}, nil,
			"the tool failed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newEndpoint(t)
			conn := f.connect(t, "octocat", "Client", c.kept)
			f.Provider = profiler{f.Provider.(*upstream.Development),
				func(tok upstream.Token) (upstream.Profile, error) {
					if tok.AccessToken.Reveal() != "gho_octocat" {
						t.Errorf("token: got another than the person's, want gho_octocat")
					}
					return c.profile, c.err
				}}
			w := mustCode(t, f.open(t), request(t.Context(), conn.token, callTool("profile")), 200)
			body := w.Body.String()
			if !strings.Contains(body, c.want) || strings.Contains(body, "gho_") ||
				strings.Contains(body, "192.0.2.1") || strings.Contains(body, "secret") {
				t.Errorf("answer: got %s, want %s and nothing of the cause", body, c.want)
			}
			if isError := strings.Contains(body, `"isError":true`); isError == (c.want == `"bio":"cat"`) {
				t.Errorf("isError: got %v in %s", isError, body)
			}
		})
	}
}

func TestProfileDuringAStoreOutageIsAToolError(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	conn := f.connect(t, "octocat", "Client", nil)
	f.Provider = profiler{f.Provider.(*upstream.Development), nil}
	h := f.open(t)
	mustCode(t, h, request(t.Context(), conn.token, whoAmI), 200)
	f.Faults.Before(fixture.Down(memory.OpGet))
	w := mustCode(t, h, request(t.Context(), conn.token, callTool("profile")), 200)
	if !strings.Contains(w.Body.String(), "try again later") || strings.Contains(w.Body.String(), "sign in again") {
		t.Errorf("answer: got %s, want try again later (J3)", w.Body)
	}
}

// A tool that panics harms its own call alone and tells nothing (HT-09).
func TestPanickingToolIsAnInternalError(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	var log strings.Builder
	f.Log = slog.New(slog.NewTextHandler(&log, nil))
	f.Edge.Log = f.Log
	boom := func(context.Context, Caller, None) (text, error) { panic("secret cause") }
	f.serve(echo("echo"), NewTool(sdk.Tool{Name: "boom"}, boom))
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	w := do(h, request(t.Context(), token, callTool("boom")))
	if a := answerOf(t, w.Body); a.Error == nil || a.Error.Code != -32603 ||
		strings.Contains(a.Error.Message, "secret") {
		t.Errorf("panic: got %d %+v, want -32603 without the cause", w.Code, a)
	}
	if !strings.Contains(log.String(), "secret cause") {
		t.Errorf("log: got %s, want the panic in it", log.String())
	}
	if strings.Contains(log.String(), token) {
		t.Error("got the token in the log, want none")
	}
	mustCode(t, h, request(t.Context(), token, listTools), http.StatusOK)
}

func TestToolErrorsTellThePersonOnlyProblems(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	fail := func(name string, err error) Part {
		return NewTool(sdk.Tool{Name: name}, func(context.Context, Caller, None) (text, error) { return text{}, err })
	}
	internal := errors.New("internal detail")
	f.serve(
		fail("problem", Problem("do this")), fail("both", fmt.Errorf("%w: %w", Problem("do this"), internal)),
		fail("fault", internal),
	)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	for name, want := range map[string]string{"problem": "do this", "both": "do this", "fault": "the tool failed"} {
		w := mustCode(t, h, request(t.Context(), token, callTool(name)), 200)
		if b := w.Body.String(); !strings.Contains(b, want) || strings.Contains(b, "internal detail") ||
			!strings.Contains(b, `"isError":true`) {
			t.Errorf("%s: got %s, want isError with %q alone", name, b, want)
		}
	}
}

// The real GitHub provider against a fake GitHub: one call to one host, with the
// person's token and never with ours (MP-15).
func TestProfileAsksGitHubOnceWithItsOwnToken(t *testing.T) {
	t.Parallel()
	gh := oauthtest.StartGitHub(t, nil)
	p, err := upstream.NewGitHub(upstream.GitHubConfig{
		ClientID: gh.ClientID, URL: gh.URL, APIURL: gh.URL,
		ClientSecret: func(context.Context) (credential.Secret, error) {
			return credential.Secret{}, errors.New("not held here")
		},
	})
	must(t, err)
	f := newEndpoint(t)
	f.Provider = p
	kept, err := upstream.Token{AccessToken: credential.Wrap("gho_unknown"), ClientID: gh.ClientID}.Marshal()
	must(t, err)
	conn := f.connect(t, "octocat", "Client", kept)
	w := mustCode(t, f.open(t), request(t.Context(), conn.token, callTool("profile")), 200)
	if !strings.Contains(w.Body.String(), "sign in again") {
		t.Errorf("answer: got %s, want sign in again", w.Body)
	}
	for _, r := range gh.Requests() {
		if strings.Contains(fmt.Sprint(r), conn.token) {
			t.Errorf("GitHub saw our token in %+v", r)
		}
	}
}

package boot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/telemetry"
)

// settings is a build that answers with CODE_TTL and counts its calls.
func settings(calls *int) Build {
	return func(_ context.Context, env *Env) (http.Handler, error) {
		*calls++
		r := env.Settings()
		env.Edge(r)
		ttl := r.Duration("CODE_TTL")
		if err := r.Err(); err != nil {
			return nil, err
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, env.Name+" "+ttl.String())
		}), nil
	}
}

func get(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w
}

// Environment variables belong to the process, so the tests that set some run
// one after the other.

func TestAFunctionIsBuiltOnceOnFirstUse(t *testing.T) {
	t.Setenv("K_SERVICE", "")
	t.Setenv("CODE_TTL", "30s")
	calls := 0
	h := Handler("first-use", settings(&calls))
	if calls != 0 {
		t.Fatal("something was built at import")
	}
	for range 2 {
		if w := get(h); w.Body.String() != "first-use 30s" {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	if calls != 1 {
		t.Errorf("built %d times", calls)
	}
}

func TestABadSettingStopsTheStart(t *testing.T) {
	t.Setenv("K_SERVICE", "")
	t.Setenv("CODE_TTL", "10h")
	calls := 0
	build := settings(&calls)
	_, err := Open(t.Context(), "bad-setting", build, &Env{})
	if err == nil || !strings.Contains(err.Error(), "start bad-setting: configuration has 1 problem:\n  CODE_TTL") {
		t.Errorf("got %v", err)
	}
	calls = 0
	h := Handler("bad-setting", build)
	for range 2 {
		w := get(h)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "CODE_TTL") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	if calls != 1 {
		t.Errorf("built %d times, want once", calls)
	}
}

func TestOnCloudRunABadRevisionEndsAtOnce(t *testing.T) {
	code := 0
	exit = func(c int) { code = c }
	t.Setenv("K_SERVICE", "token")
	t.Setenv("ISSUER_URL", "https://auth.example.com")
	t.Setenv("CODE_TTL", "30s")
	calls := 0
	h := Handler("deployed", settings(&calls))
	if calls != 1 || code != 0 || get(h).Body.String() != "deployed 30s" {
		t.Errorf("got %d builds, exit %d", calls, code)
	}
	t.Setenv("ISSUER_URL", "")
	Handler("deployed-without-issuer", settings(&calls))
	if code != 1 {
		t.Error("a deployed function started without ISSUER_URL")
	}
}

// A program may have a function that it was not deployed for: it costs nothing, and its
// settings do not matter.
func TestOnCloudRunOnlyTheTargetIsBuiltAtOnce(t *testing.T) {
	exit = func(int) { t.Error("the process ended") }
	t.Setenv("K_SERVICE", "mcp")
	t.Setenv("ISSUER_URL", "")
	t.Setenv("FUNCTION_TARGET", "tools")
	calls := 0
	Handler("mcp", settings(&calls))
	if calls != 0 {
		t.Errorf("built %d times, want not at all", calls)
	}
}

func TestOneProgramOpensAFunctionWithItsOwnEnvironment(t *testing.T) {
	t.Parallel()
	calls := 0
	build := settings(&calls)
	for ttl, want := range map[string]string{"5s": "opened 5s", "6s": "opened 6s"} {
		h, err := Open(t.Context(), "opened", build, &Env{Lookup: config.Map(map[string]string{"CODE_TTL": ttl})})
		if err != nil {
			t.Fatal(err)
		}
		if got := get(h).Body.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if calls != 2 {
		t.Errorf("built %d times, want once for each environment", calls)
	}
}

func TestTheEdgeIsReadFromSettings(t *testing.T) {
	t.Parallel()
	env := &Env{Log: slog.New(slog.DiscardHandler), Lookup: config.Map(map[string]string{
		"ISSUER_URL": "https://auth.example.com", "TRUST_FORWARDED_AUTHORIZATION": "true", "FORWARDED_FOR_HOPS": "2",
	})}
	r := env.Settings()
	e := env.Edge(r)
	if e.Issuer.String() != "https://auth.example.com" || !e.TrustForwardedAuthorization || e.ForwardedForHops != 2 ||
		e.Log != env.Log || r.Err() != nil {
		t.Errorf("got %+v, %v", e, r.Err())
	}
	env.Lookup = config.Map(map[string]string{"ISSUER_URL": "https://auth.example.com/", "LOG_LEVEL": "loud"})
	r = env.Settings()
	env.Edge(r)
	noPath := `ISSUER_URL is "https://auth.example.com/": an origin has no path`
	err := r.Err()
	if err == nil || !strings.Contains(err.Error(), noPath) || !strings.Contains(err.Error(), "LOG_LEVEL") {
		t.Errorf("got %v", r.Err())
	}
}

// Who lets only the load balancer call says how it is known, and does not believe a header for the
// gateway's that a client could send.
func TestTheLoadBalancerAloneNeedsItsProof(t *testing.T) {
	t.Parallel()
	const proof = "0b3f6c1e-6d0f-4f6e-9a53-2f1c7d9e8a41"
	for _, c := range []struct{ proof, trust, problem string }{
		{proof, "", ""},
		{"", "", "LOAD_BALANCER_PROOF is not set"},
		{"short", "", "LOAD_BALANCER_PROOF"},
		{proof, "true", "TRUST_FORWARDED_AUTHORIZATION is true and so is LOAD_BALANCER_ONLY"},
	} {
		env := &Env{Log: slog.New(slog.DiscardHandler), Lookup: config.Map(map[string]string{
			"LOAD_BALANCER_ONLY": "true", "LOAD_BALANCER_PROOF": c.proof, "TRUST_FORWARDED_AUTHORIZATION": c.trust,
		})}
		r := env.Settings()
		e, err := env.Edge(r), r.Err()
		said := err == nil || strings.Contains(err.Error(), c.problem)
		if !e.LoadBalancerOnly || (err == nil) != (c.problem == "") || !said {
			t.Errorf("%q, trust %q: got %+v, %v; want %q", c.proof, c.trust, e, err, c.problem)
		}
	}
}

func TestWhatABuildOpenedIsClosedLastFirst(t *testing.T) {
	t.Parallel()
	var order []int
	env := &Env{}
	env.OnClose(func() error { order = append(order, 1); return errors.New("one") })
	env.OnClose(func() error { order = append(order, 2); return nil })
	if err := env.Close(); err == nil || !slices.Equal(order, []int{2, 1}) {
		t.Errorf("got %v, %v", order, err)
	}
	if err := env.Close(); err != nil || len(order) != 2 {
		t.Error("something was closed twice")
	}
}

func TestAnEventThatFailsIsLoggedAndSaidConstantly(t *testing.T) {
	t.Setenv("K_SERVICE", "")
	secret := errors.New("canary %s")
	var b bytes.Buffer
	build := func(_ context.Context, env *Env) (func(context.Context, string) error, error) {
		env.Log = telemetry.NewLogger(&b, nil, "")
		return func(_ context.Context, e string) error {
			if e == "bad" {
				return secret
			}
			return nil
		}, nil
	}
	h := Event("cascade", build)
	if err := h(t.Context(), "good"); err != nil {
		t.Errorf("got %v", err)
	}
	err := h(t.Context(), "bad")
	if err == nil || strings.ContainsAny(err.Error(), "%") || !strings.Contains(b.String(), "canary") {
		t.Errorf("got %v, logged %s", err, b.String())
	}
	opened, err := Open(t.Context(), "cascade", build, &Env{})
	if err != nil || !errors.Is(opened(t.Context(), "bad"), secret) {
		t.Errorf("got %v", err)
	}
}

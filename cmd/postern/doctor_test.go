package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/doctor"
	"github.com/postern-dev/postern/cmd/postern/internal/localkeys"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/firestoretest"
)

// server opens a whole server, as postern dev does, over a fresh directory.
func server(t *testing.T) http.Handler {
	t.Helper()
	dir := t.TempDir()
	keys := localkeys.Dir(filepath.Join(dir, "keys"))
	if err := keys.Ensure(false); err != nil {
		t.Fatal(err)
	}
	settings := keys.Settings()
	maps.Copy(settings, map[string]string{
		"STORE": "embedded:" + dir, "IDENTITY_PROVIDER": "development", "ALLOW": "anyone", "LOG_LEVEL": "error",
		"MCP_UPSTREAMS": `[{"name":"wiki","url":"http://127.0.0.1:9/mcp"}]`,
	})
	env := &boot.Env{Lookup: config.Map(settings)}
	h, _, err := openAll(t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Close() })
	return h
}

// examine runs doctor on h.
func examine(t *testing.T, h http.Handler, o *doctor.Options) doctor.Report {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	report, err := doctor.Run(t.Context(), s.URL+"/mcp", o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func printed(t *testing.T, r doctor.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Show(cli.New(nil, &b, io.Discard)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDoctorFindsNothingWrongWithAServerAndLeavesNothing(t *testing.T) {
	t.Parallel()
	h, registered, deleted := server(t), 0, 0
	report := examine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if r.Method == "POST" && r.URL.Path == "/register" && rec.Code == 201 {
			registered++
		}
		if r.Method == "DELETE" && strings.HasPrefix(r.URL.Path, "/register/") && rec.Code == 204 {
			deleted++
		}
		replay(w, rec)
	}), nil)
	if report.Err() != nil || len(report.Checks) < 15 {
		t.Errorf("got:\n%s", printed(t, report))
	}
	if registered != 1 || deleted != 1 {
		t.Errorf("registered %d clients and deleted %d, want one each", registered, deleted)
	}
}

// replay writes a recorded answer.
func replay(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// A spoiler answers instead of a handler, or spoils what it answers.
type spoiler = func(http.Handler, http.ResponseWriter, *http.Request)

// onPath spoils the answers of paths with a prefix.
func onPath(prefix string, spoil func(*httptest.ResponseRecorder)) spoiler {
	return func(h http.Handler, w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if strings.HasPrefix(r.URL.Path, prefix) {
			spoil(rec)
		}
		replay(w, rec)
	}
}

// Kinds of content, and bodies, of something in front that answers itself.
const (
	asJSON      = "application/json"
	asHTML      = "text/html"
	gateways    = `{"code":405,"message":"x"}`
	unavailable = `{"error":"temporarily_unavailable"}`
)

// answering replaces the answers to one method and path prefix.
func answering(method, prefix string, status int, kind, body string) spoiler {
	return func(h http.Handler, w http.ResponseWriter, r *http.Request) {
		if r.Method != method || !strings.HasPrefix(r.URL.Path, prefix) {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func rewrite(old, new string) func(*httptest.ResponseRecorder) {
	return func(rec *httptest.ResponseRecorder) {
		body := strings.ReplaceAll(rec.Body.String(), old, new)
		rec.Header().Del("Content-Length")
		rec.Body = bytes.NewBufferString(body)
	}
}

func without(name string) func(*httptest.ResponseRecorder) {
	return func(rec *httptest.ResponseRecorder) { rec.Header().Del(name) }
}

func with(name, value string) func(*httptest.ResponseRecorder) {
	return func(rec *httptest.ResponseRecorder) { rec.Header().Set(name, value) }
}

// inMetadata rewrites the documents below /.well-known/.
func inMetadata(old, new string) spoiler {
	return onPath("/.well-known/", rewrite(old, new))
}

// Every fault here was seen with some deployment (field cases E1 to E13, L1 to L4, F1,
// F2, W1). Doctor has to find it, in the right check, and to say what to do.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		spoil       spoiler
		check, want string
	}{
		{"E1 alias differs", onPath("/mcp/.well-known/openid-configuration", rewrite("{", "{ ")), "documents",
			"differs from"},
		{"E1 place missing", answering("GET", "/jwks", 404, asJSON, gateways), "documents", "openapi.yaml"},
		{"W1 redirect", answering("GET", "/.well-known/oauth-protected-resource/mcp", 307, asHTML, ""), "documents",
			"do not follow redirects"},
		{"HEAD refused", answering("HEAD", "/.well-known/", 405, asJSON, ""), "documents", "HEAD /.well-known"},
		{"other issuer", inMetadata(`"issuer":"http://`, `"issuer":"https://`), "metadata", "ISSUER_URL"},
		{"other resource", inMetadata(`/mcp","authorization_servers`, `/","authorization_servers`), "metadata",
			"resource is"},
		{"E11 null", inMetadata(`{"resource"`, `{"x":null,"resource"`), "metadata", "is null"},
		{"E12 member missing", inMetadata("subject_types_supported", "x"), "metadata", "subject_types_supported"},
		{"E13 no PKCE", inMetadata(`"S256"`, `"plain"`), "metadata", "code_challenge_methods_supported"},
		{"W15", inMetadata(`"none"`, `"none","private_key_jwt"`), "metadata", "Authlib"},
		{"no keys", onPath("/", rewrite(`"kty"`, `"x"`)), "keys", "not a P-256 key"},
		{"private key", onPath("/", rewrite(`"kty"`, `"d":"x","kty"`)), "keys", "private half"},
		{"private identity key", onPath(oauth.IdentityKeysPath, rewrite(`"kty"`, `"d":"x","kty"`)), "keys",
			"GET " + oauth.IdentityKeysPath + ": key 1 shows its private half"},
		{"page for identity keys", answering("GET", oauth.IdentityKeysPath, 200, asHTML, "<html>"), "keys",
			"want JSON"},
		{"no identity key", answering("GET", oauth.IdentityKeysPath, 200, asJSON, `{"keys":[]}`), "keys",
			"identity-keys is mounted on mcp"},
		{"E3 405 first", answering("GET", "/mcp", 405, asJSON, gateways), "challenge", "GET /mcp: status 405"},
		{"E5 open", answering("POST", "/mcp", 200, asJSON, `{}`), "challenge", "without a token"},
		{"E6 gateway's token", func(h http.Handler, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				r.Header.Set("Authorization", "Bearer a.b.c")
			}
			h.ServeHTTP(w, r)
		}, "challenge", "TRUST_FORWARDED_AUTHORIZATION"},
		{"E8 other host", onPath("/mcp", func(rec *httptest.ResponseRecorder) {
			challenge := rec.Header().Get("WWW-Authenticate")
			rec.Header().Set("WWW-Authenticate", strings.Replace(challenge, "http://", "https://internal-", 1))
		}), "challenge", "resource_metadata is"},
		{"E9 renamed", onPath("/mcp", func(rec *httptest.ResponseRecorder) {
			rec.Header().Set("X-Amzn-Remapped-Www-Authenticate", rec.Header().Get("WWW-Authenticate"))
			rec.Header().Del("WWW-Authenticate")
		}), "challenge", "X-Amzn-Remapped"},
		{"L2 no CORS on 401", onPath("/mcp", without("Access-Control-Allow-Origin")), "challenge",
			"Access-Control-Allow-Origin"},
		{"L3 not exposed", onPath("/mcp", without("Access-Control-Expose-Headers")), "challenge", "not exposed"},
		{"credential lost", func(h http.Handler, w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Authorization")
			h.ServeHTTP(w, r)
		}, "credentials", "does not reach"},
		{"Basic lost", func(h http.Handler, w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Authorization")
			h.ServeHTTP(w, r)
		}, "token", "Basic"},
		{"L1 preflight", onPath("/", without("Access-Control-Allow-Headers")), "cors", "may not send authorization"},
		{"L1 method", onPath("/mcp", without("Access-Control-Allow-Methods")), "cors", "may not use"},
		{"L4 credentials", onPath("/", with("Access-Control-Allow-Credentials", "true")), "cors", "cookies"},
		{"IAM page", answering("POST", "/register", 403, asHTML, "<html>Forbidden</html>"), "registration",
			"roles/run.invoker"},
		{"another proof", answering("GET", "/.well-known/oauth-protected-resource", 403, asJSON,
			`{"error":"access_denied","error_description":"this request did not come through the load balancer of x"}`),
			"documents", "LOAD_BALANCER_PROOF"},
		{"too many", answering("POST", "/register", 429, asJSON, unavailable), "registration", "wait"},
		{"fault", answering("POST", "/register", 503, asJSON, unavailable), "registration", "log"},
		{"no document of its own",
			answering("GET", "/.well-known/oauth-protected-resource/mcp/wiki", 404, asJSON, gateways), "resources",
			"status 404"},
		{"another's document", onPath("/.well-known/oauth-protected-resource/mcp/wiki", rewrite("/mcp/wiki", "/mcp")),
			"resources", "resource is"},
		{"another's challenge", onPath("/mcp/wiki", with("WWW-Authenticate", "Bearer")), "resources", "MCP_UPSTREAMS"},
		{"no such path", answering("POST", "/mcp/wiki", 404, asJSON, gateways), "resources", "status 404"},
		{"F1 null", onPath("/register", rewrite(`{"client_id"`, `{"contacts":null,"client_id"`)), "registration",
			"contacts is empty"},
		{"F2 other method", onPath("/register", rewrite(`"none"`, `"client_secret_post"`)), "registration",
			"asked for no secret"},
		{"not deleted", answering("DELETE", "/register/", 405, asJSON, gateways), "registration", "DELETE /register"},
		{"not gone", answering("DELETE", "/register/", 204, asJSON, ""), "registration", "still there"},
		{"framed", onPath("/authorize", without("Content-Security-Policy")), "registration", "may be framed"},
		{"consent redirects", answering("GET", "/authorize", 302, asHTML, ""), "authorize", "status 302"},
		{"CORS on pages", onPath("/authorize", with("Access-Control-Allow-Origin", "*")), "authorize", "want none"},
		{"F9 HTML error", answering("POST", "/token", 400, asHTML, "<html>"), "token", "want JSON"},
		{"cached", onPath("/token", without("Cache-Control")), "token", "no-store"},
		{"I5 no trace behind Google", onPath("/token", func(rec *httptest.ResponseRecorder) {
			rec.Header().Del("X-Trace-Id")
			rec.Header().Set("Server", "Google Frontend")
		}), "repeats", "no request has a trace"},
		{"I5 one trace for all", func(h http.Handler, w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			h.ServeHTTP(w, r)
		}, "repeats", "have one trace"},
		{"I5 a trace for each attempt", func(h http.Handler, w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Traceparent", "00-"+hex.EncodeToString([]byte(rand.Text()[:16]))+"-00f067aa0ba902b7-01")
			h.ServeHTTP(w, r)
		}, "repeats", "does not reach"},
		{"provider out of reach", answering("POST", "/auth/backchannel-logout", 503, asJSON, unavailable),
			"identity provider", "cannot read what its identity provider publishes"},
		{"sign-outs not listed", answering("POST", "/auth/backchannel-logout", 404, asJSON, gateways),
			"identity provider", "openapi.yaml"},
		{"page for anything", answering("GET", "/postern-doctor", 200, "text/html", "<html>"), "paths", "status 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := server(t)
			spoiled := func(w http.ResponseWriter, r *http.Request) { c.spoil(h, w, r) }
			report := examine(t, http.HandlerFunc(spoiled), nil)
			for _, check := range report.Checks {
				for _, f := range check.Findings {
					if check.Name == c.check && strings.Contains(f.Problem+" "+f.Do, c.want) && f.Do != "" {
						return
					}
				}
			}
			t.Errorf("no finding of %s with %q in:\n%s", c.check, c.want, printed(t, report))
		})
	}
}

func TestDoctorTakesClosedRegistrationAsItIs(t *testing.T) {
	t.Parallel()
	h := server(t)
	closed := answering("POST", "/register", 403, "application/json", `{"error":"access_denied"}`)
	report := examine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { closed(h, w, r) }), nil)
	if report.Err() != nil || !strings.Contains(printed(t, report), "closed") {
		t.Errorf("got:\n%s", printed(t, report))
	}
}

// A fault is not a verdict: an answer that says only that the server could not, or would
// not now, is told apart from a wrong one.
func TestDoctorTellsWhatIsWrongFromWhatItCouldNotLookAt(t *testing.T) {
	t.Parallel()
	h := server(t)
	for status, want := range map[int]doctor.State{
		503: doctor.Unknown, 429: doctor.Unknown, 504: doctor.Unknown, 404: doctor.Wrong, 200: doctor.Wrong,
	} {
		spoil := answering("POST", "/token", status, asJSON, unavailable)
		report := examine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { spoil(h, w, r) }), nil)
		for _, c := range report.Checks {
			if c.Name == "token" && c.State != want {
				t.Errorf("%d: got %s, want %s:\n%s", status, c.State, want, printed(t, report))
			}
		}
		wrong, unknown := report.Count()
		if (wrong > 0) != (want == doctor.Wrong) || (unknown > 0) != (want == doctor.Unknown) || report.Err() == nil {
			t.Errorf("%d: got %d wrong, %d unknown, %v", status, wrong, unknown, report.Err())
		}
	}
}

// A server without keys for upstream servers is as it should be. Whether there are any cannot be
// told from a fault.
func TestDoctorTakesAServerWithoutIdentityKeysAsItIs(t *testing.T) {
	t.Parallel()
	h := server(t)
	for status, want := range map[int]doctor.State{404: doctor.Good, 503: doctor.Unknown, 302: doctor.Wrong} {
		spoil := answering("GET", oauth.IdentityKeysPath, status, asJSON, unavailable)
		report := examine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { spoil(h, w, r) }), nil)
		for _, c := range report.Checks {
			if c.Name == "keys" && c.State != want {
				t.Errorf("%d: got %s, want %s:\n%s", status, c.State, want, printed(t, report))
			}
		}
	}
}

// Registration is closed where it says so, or is neither promised nor there. A path that
// is missing although it was promised is wrong.
func TestDoctorDoesNotTakeAMissingPathForClosedRegistration(t *testing.T) {
	t.Parallel()
	h := server(t)
	missing := answering("POST", "/register", 404, "text/html", "not here")
	report := examine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { missing(h, w, r) }), nil)
	if got := problems(report, "registration"); !strings.Contains(got, "status 404, want 201") {
		t.Errorf("got %q, want the missing path:\n%s", got, printed(t, report))
	}
}

// problems returns the problems of one check.
func problems(r doctor.Report, check string) string {
	var all []string
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			if c.Name == check {
				all = append(all, f.Problem)
			}
		}
	}
	return strings.Join(all, "\n")
}

func TestDoctorComparesClocksAndCertificates(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(server(t))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that must fail
	s.StartTLS()
	t.Cleanup(s.Close)
	certificate, good := s.Certificate(), s.Client().Transport
	beforeEnd := func() time.Time { return certificate.NotAfter.Add(-80 * time.Hour) }
	off := func(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
	for _, c := range []struct {
		name, check, want string
		transport         http.RoundTripper
		now               func() time.Time
	}{
		{"stranger's certificate", "reachable", "certificate is not good", nil, nil},
		{"about to expire", "tls", "ends in 3 days", good, beforeEnd},
		{"clock behind", "clock", "differ by 1m", good, off(-90 * time.Second)},
		{"clock ahead", "clock", "differ by", good, off(time.Minute)},
		{"slow", "speed", "clients give up", good, jumping(11 * time.Second)},
	} {
		report, err := doctor.Run(t.Context(), s.URL, &doctor.Options{Transport: c.transport, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		if got := problems(report, c.check); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// jumping returns a clock that goes on by d with each look.
func jumping(d time.Duration) func() time.Time {
	now := time.Now()
	return func() time.Time { now = now.Add(d); return now }
}

func TestDoctorSaysOnceThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	report, err := doctor.Run(t.Context(), s.URL, nil)
	if err != nil || len(report.Checks) != 1 || report.Err().Error() != "1 thing could not be looked at" {
		t.Errorf("got %v, %v", report, err)
	}
}

func TestDoctorAcceptsWhatPeoplePaste(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"auth.example.com", "http://auth.example.com", "https://Auth.example.com", "https://auth.example.com/x",
	} {
		_, err := doctor.Run(t.Context(), address, nil)
		if err == nil || !strings.Contains(err.Error(), "https://auth.example.com") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

// The command writes JSON that a program can read, and fails if something is wrong.
func TestDoctorCommandEndsWithAnErrorOnAFinding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		h    http.Handler
		fail bool
	}{{server(t), false}, {http.NotFoundHandler(), true}} {
		s := httptest.NewServer(c.h)
		t.Cleanup(s.Close)
		out, _, err := run(t.Context(), "doctor", "--json", s.URL+"/")
		if (err != nil) != c.fail {
			t.Errorf("got error %v, want one: %v", err, c.fail)
		}
		var answer struct {
			Source string
			Items  []doctor.Check
			Error  *string
		}
		err = json.Unmarshal([]byte(out), &answer)
		if err != nil || answer.Source != s.URL || (answer.Error != nil) != c.fail || len(answer.Items) == 0 {
			t.Errorf("got %s, %v", out, err)
		}
	}
}

// With a look at the records doctor names a database that is not there, and what to do; that
// nothing is found there is an answer.
func TestDoctorNamesTheDatabaseThatIsNotThere(t *testing.T) {
	firestore := firestoretest.Start(t)
	t.Setenv(emulator.Variable, firestore.Address)
	firestore.Fail("missing", status.Error(codes.NotFound, "The database typo does not exist for project missing"))
	firestore.Fail("forbidden", status.Error(codes.PermissionDenied, "Missing or insufficient permissions."))
	for _, c := range []struct {
		store string
		want  doctor.State
		says  string
	}{
		{"firestore:there", doctor.Good, ""},
		{"firestore:missing/typo", doctor.Wrong, `no database "typo" in project "missing"`},
		{"firestore:forbidden", doctor.Unknown, "Missing or insufficient permissions"},
	} {
		db, err := openRecords(t.Context(), c.store)
		if err != nil {
			t.Fatal(err)
		}
		report := examine(t, server(t), &doctor.Options{Store: db})
		check := report.Checks[0]
		if check.Name != "records" || check.State != c.want || !strings.Contains(problems(report, "records"), c.says) {
			t.Errorf("%s: got %s %s and %q, want records %s with %q",
				c.store, check.Name, check.State, problems(report, "records"), c.want, c.says)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The first request that meets a missing database leaves a line for the operator, once; the
// start, which looks at no network, is not held up by it.
func TestMissingDatabaseIsLoggedAtItsFirstUse(t *testing.T) {
	firestore := firestoretest.Start(t)
	t.Setenv(emulator.Variable, firestore.Address)
	firestore.Fail("missing", status.Error(codes.NotFound, "The database (default) does not exist for project missing"))
	keys := localkeys.Dir(t.TempDir())
	if err := keys.Ensure(false); err != nil {
		t.Fatal(err)
	}
	settings := keys.Settings()
	maps.Copy(settings, map[string]string{
		"ISSUER_URL": "http://127.0.0.1:8080", "STORE": "firestore:missing",
		"IDENTITY_PROVIDER": "development", "ALLOW": "anyone",
	})
	var lines bytes.Buffer
	env := &boot.Env{Lookup: config.Map(settings), Log: telemetry.NewLogger(&lines, nil, "")}
	h, err := boot.Open(t.Context(), "register", httpFunctions["register"], env)
	if err != nil {
		t.Fatalf("the start: got %v, want none of it there", err)
	}
	defer env.Close()
	for range 2 {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1:8080/register",
			strings.NewReader(`{"redirect_uris":["http://127.0.0.1/cb"]}`))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("got status %d, want 503", w.Code)
		}
	}
	n := strings.Count(lines.String(), `"event":"store.database_missing"`)
	if n != 1 || !strings.Contains(lines.String(), "correct STORE") {
		t.Errorf("got %d lines, want one that says what to do:\n%s", n, lines.String())
	}
}

// What could not be reached is said once: the origin above, the path and the reason below.
func TestDoctorNamesWhatItCannotReachOnce(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	report, err := doctor.Run(t.Context(), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := printed(t, report)
	if strings.Count(got, s.URL) != 1 || strings.Count(got, oauth.ServerMetadataPath) != 1 {
		t.Errorf("got %s, want the origin and the path once each", got)
	}
	if !strings.Contains(got, "connect") {
		t.Errorf("got %s, want why", got)
	}
}

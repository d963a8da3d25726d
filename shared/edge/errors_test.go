package edge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
)

// A fault of ours is never a verdict (A7).
func TestAFaultIs503WithRetryAfterAndNothingOfOurs(t *testing.T) {
	t.Parallel()
	fault := fmt.Errorf("read grant: %w", errors.New("canary 10.0.0.1"))
	for claim, h := range map[string]http.Handler{
		"JSON": edge.JSONErrors(func(http.ResponseWriter, *http.Request) error { return fault }),
		"bearer": edge.BearerErrors("/m", []string{"mcp"},
			func(http.ResponseWriter, *http.Request) error { return fault }),
		"page": pages.Errors(func(http.ResponseWriter, *http.Request) error { return fault }),
	} {
		var log logBuffer
		e := deployment(t)
		e.Log = log.logger()
		w := serve(h, edge.Options{Deployment: e}, "POST", "/", "", "Authorization: Bearer x")
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: got %d, %v", claim, w.Code, w.Header())
		}
		if !strings.Contains(w.Body.String(), "temporarily_unavailable") ||
			strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: got %s", claim, w.Body)
		}
		if l := log.lines(t); len(l) != 1 || l[0]["severity"] != "ERROR" || l[0]["outcome"] != "fault" ||
			!strings.Contains(fmt.Sprint(l[0]["cause"]), "canary") {
			t.Errorf("%s: got %v", claim, l)
		}
	}
}

func TestEveryCodeHasItsStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[oauth.ErrorCode]int{
		oauth.InvalidRequest: 400, oauth.InvalidClient: 401, oauth.InvalidGrant: 400, oauth.UnauthorizedClient: 400,
		oauth.UnsupportedGrantType:    400,
		oauth.UnsupportedResponseType: 400, oauth.InvalidScope: 400, oauth.InvalidTarget: 400, oauth.AccessDenied: 403,
		oauth.ServerError:            500,
		oauth.TemporarilyUnavailable: 503, oauth.InvalidRedirectURI: 400, oauth.InvalidClientMetadata: 400,
		oauth.InvalidToken:      401,
		oauth.InsufficientScope: 403, oauth.UnsupportedTokenType: 400,
	} {
		v := httperr.Of(fmt.Errorf("wrapped: %w", oauth.Refuse(code, "d")))
		if v.Status != want || v.Code != code || v.Description != "d" || v.Fault != (want >= 500) ||
			(v.RetryAfter > 0) != (want == 503) {
			t.Errorf("%s: got %+v, want status %d", code, v, want)
		}
	}
	if v := httperr.Of(httperr.Status(404, oauth.Refuse(oauth.InvalidRequest, "d"))); v.Status != 404 || v.Fault {
		t.Errorf("got %+v", v)
	}
	if v := httperr.Of(httperr.TooMany(1500 * time.Millisecond)); v.Status != 429 ||
		v.RetryAfter != 1500*time.Millisecond || v.Fault {
		t.Errorf("got %+v", v)
	}
}

// Failed authentication is 401, with a Basic challenge only for a caller who used Basic (RFC 6749
// §5.2, A2, TOK-06).
func TestAFailedClientIsChallengedInItsOwnWay(t *testing.T) {
	t.Parallel()
	h := edge.JSONErrors(func(http.ResponseWriter, *http.Request) error {
		return oauth.Refuse(oauth.InvalidClient, "client is unknown")
	})
	w := serve(h, edge.Options{Deployment: deployment(t)}, "POST", "/", "", "Authorization: Basic eDp5")
	if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic realm=") {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	w = serve(h, edge.Options{Deployment: deployment(t)}, "POST", "/", "")
	code, description, id := errorOf(t, w)
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") != "" || code != "invalid_client" ||
		description != "client is unknown" || len(id) != 16 {
		t.Errorf("got %d %s %q %s", w.Code, code, description, id)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %v", w.Header())
	}
}

func TestATooEagerCallerLearnsHowLongToWait(t *testing.T) {
	t.Parallel()
	busy := func(http.ResponseWriter, *http.Request) error { return httperr.TooMany(1500 * time.Millisecond) }
	w := serve(edge.JSONErrors(busy), edge.Options{Deployment: deployment(t)}, "POST", "/", "")
	if w.Code != 429 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("got %d, %q", w.Code, w.Header().Get("Retry-After"))
	}
}

// No credential, a bad one, too little scope and a malformed header each have a challenge of their
// own (RFC 6750 §3, AT-09, CHL-01 to CHL-07, CHL-11, CHL-12).
func TestChallengesSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	const meta = `resource_metadata="https://auth.example.com/.well-known/oauth-protected-resource/mcp"`
	for _, c := range []struct {
		claim  string
		err    error
		status int
		want   string
	}{
		{"no credentials: no error", edge.ErrNoCredentials, 401, `Bearer ` + meta + `, scope="mcp"`},
		{"a bad token", oauth.Refuse(oauth.InvalidToken, "the token is not valid"), 401,
			`Bearer error="invalid_token", error_description="the token is not valid", ` + meta + `, scope="mcp"`},
		{"too little scope names all of it", edge.NeedScope("mcp", "admin"), 403,
			`Bearer error="insufficient_scope", error_description="the token lacks scope, this needs: mcp admin", ` +
				meta + `, scope="mcp admin"`},
		{"a malformed credential", oauth.Refuse(oauth.InvalidRequest, "Authorization is malformed"), 400,
			`Bearer error="invalid_request", error_description="Authorization is malformed", ` + meta +
				`, scope="mcp"`},
	} {
		fail := func(http.ResponseWriter, *http.Request) error { return c.err }
		h := edge.BearerErrors("/.well-known/oauth-protected-resource/mcp", []string{"mcp"}, fail)
		w := serve(h, edge.Options{Deployment: deployment(t)}, "POST", "/mcp", "")
		if got := w.Header().Values("WWW-Authenticate"); w.Code != c.status || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: got %d %q, want %d %q", c.claim, w.Code, got, c.status, c.want)
		}
		if code, _, id := errorOf(t, w); len(id) != 16 || (code == "") != (c.err == edge.ErrNoCredentials) {
			t.Errorf("%s: got %s", c.claim, w.Body)
		}
	}
}

// No character outside RFC 6749 §5.2 reaches a description or a header (GEN-15, HT-12).
func TestDescriptionsKeepToTheGrammar(t *testing.T) {
	t.Parallel()
	evil := "a\"b\\c\r\nSet-Cookie: x=y\x00ü" + strings.Repeat("z", 1000)
	grammar := regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]*$`)
	refusal := &oauth.Error{Code: oauth.InvalidToken, Description: evil}
	w := serve(edge.BearerErrors("/m", nil, func(http.ResponseWriter, *http.Request) error { return refusal }),
		edge.Options{Deployment: deployment(t)}, "GET", "/", "")
	if _, d, _ := errorOf(t, w); !grammar.MatchString(d) || len(d) > 500 {
		t.Errorf("got %q", d)
	}
	if h := w.Header().Get("WWW-Authenticate"); strings.ContainsAny(h, "\r\n\\\x00") || strings.Count(h, `"`) != 6 {
		t.Errorf("got %q", h)
	}
}

func TestALeavingCallerIsNoFault(t *testing.T) {
	t.Parallel()
	var log logBuffer
	e := deployment(t)
	e.Log = log.logger()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	read := func(_ http.ResponseWriter, r *http.Request) error { return fmt.Errorf("read: %w", r.Context().Err()) }
	h := edge.Wrap(edge.Everything(edge.JSONErrors(read)), edge.Options{Deployment: e})
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if l := log.lines(t); len(l) != 1 || l[0]["severity"] != "INFO" || l[0]["outcome"] != "gone" {
		t.Errorf("got %v", l)
	}
}

func TestAnErrorAfterTheAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	w := serve(edge.JSONErrors(func(w http.ResponseWriter, _ *http.Request) error {
		_ = edge.JSON(w, 200, map[string]string{"a": "<b>"})
		return errors.New("late")
	}), edge.Options{Deployment: deployment(t)}, "GET", "/", "")
	if w.Code != 200 || w.Body.String() != `{"a":"<b>"}`+"\n" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestHandlersWorkUnwrapped(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	edge.JSONErrors(func(http.ResponseWriter, *http.Request) error { return errors.New("x") }).ServeHTTP(w,
		httptest.NewRequest("GET", "/", nil))
	if w.Code != 503 {
		t.Errorf("got %d", w.Code)
	}
}

// Nothing is posted again at the next host, and no address is told where the browser came from
// (CD-18).
func TestSeeOtherIsA303ThatTellsNothing(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	pages.SeeOther(w, "app://cb?code=1")
	if w.Code != 303 || w.Header().Get("Location") != "app://cb?code=1" ||
		w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

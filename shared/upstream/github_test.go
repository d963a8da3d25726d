package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/oauthtest"
	"golang.org/x/oauth2"
)

const callback = "http://127.0.0.1:1/auth/callback"

// provider returns our side of the fake, with the scopes.
func provider(t *testing.T, fake *oauthtest.GitHub, scopes ...string) *upstream.GitHub {
	t.Helper()
	p, err := upstream.NewGitHub(upstream.GitHubConfig{
		ClientID: fake.ClientID, ClientSecret: secretOf(fake.ClientSecret),
		URL: fake.URL, APIURL: fake.URL, Scopes: scopes,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func secretOf(s string) func(context.Context) (credential.Secret, error) {
	return func(context.Context) (credential.Secret, error) { return credential.Wrap(s), nil }
}

// callbackQuery walks a browser through GitHub and returns what it brings back.
func callbackQuery(t *testing.T, p upstream.Provider, login, verifier string) url.Values {
	t.Helper()
	b := oauthtest.NewBrowser(callback)
	q := b.SignIn(t, away(t, p, "the-state", verifier, upstream.Hints{}), login).Query()
	if q.Get("state") != "the-state" {
		t.Fatalf("state got %q, want the-state", q.Get("state"))
	}
	return q
}

func signIn(t *testing.T, p upstream.Provider, login string) (upstream.Identity, upstream.Token) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	id, token, err := p.Exchange(t.Context(), callback, callbackQuery(t, p, login, verifier), verifier)
	if err != nil {
		t.Fatal(err)
	}
	return id, token
}

// A kind names what a caller will do with an error.
func kind(err error) string {
	for name, sentinel := range map[string]error{
		"denied": upstream.ErrDenied, "used": upstream.ErrUsed, "refused": upstream.ErrRefused,
		"dead": upstream.ErrTokenDead, "odd": upstream.ErrOddAnswer, "not allowed": upstream.ErrNotAllowed,
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	if err == nil {
		return "none"
	}
	return "outage"
}

// away is where p sends the browser.
func away(t *testing.T, p upstream.Provider, state, verifier string, hints upstream.Hints) string {
	t.Helper()
	u, err := p.AuthCodeURL(t.Context(), callback, state, verifier, hints)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wantKind also checks that a refusal is an oauth.Error and an outage is not, which
// is how the edge tells 400 from 503 (UP-17).
func wantKind(t *testing.T, err error, want string) {
	t.Helper()
	if got := kind(err); got != want {
		t.Errorf("error got %s (%v), want %s", got, err, want)
	}
	_, readable := errors.AsType[*oauth.Error](err)
	if wantReadable := slices.Contains([]string{"denied", "used", "refused"}, want); readable != wantReadable {
		t.Errorf("error %v: an oauth.Error is %v, want %v", err, readable, wantReadable)
	}
}

// The numeric id makes the subject, with two calls (UP-06, AV-07).
func TestSignInCostsTwoCallsAndYieldsTheNumericID(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	id, token := signIn(t, provider(t, fake), "octocat")
	want := upstream.Identity{Subject: "github:583231", Login: "octocat", Name: "The Octocat"}
	if id != want {
		t.Errorf("identity got %+v, want %+v", id, want)
	}
	if token.IsZero() || token.ClientID != fake.ClientID || len(token.Scopes) != 0 || !token.Expiry.IsZero() {
		t.Errorf("token got %+v, want one of %s without scopes and expiry", token, fake.ClientID)
	}
	wantCalls := []string{"POST /login/oauth/access_token", "GET /user"}
	if got := fake.Calls(); !slices.Equal(got, wantCalls) {
		t.Errorf("calls got %v, want %v", got, wantCalls)
	}
}

// Neighbours above 2^53 stay two people (UP-07).
func TestNeighbouringBigIDsAreTwoPeople(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddUser(oauthtest.User{ID: 9007199254740992, Login: "even"})
	fake.AddUser(oauthtest.User{ID: 9007199254740993, Login: "odd"})
	p := provider(t, fake)
	for login, want := range map[string]string{"even": "github:9007199254740992", "odd": "github:9007199254740993"} {
		if id, _ := signIn(t, p, login); id.Subject != want {
			t.Errorf("%s: subject got %s, want %s", login, id.Subject, want)
		}
	}
}

// A login changes hands, the subject does not (UP-06, K8).
func TestRenamedAccountKeepsItsSubjectAndTheNewOwnerOfTheLoginGetsAnother(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	before, _ := signIn(t, p, "octocat")
	fake.Rename(583231, "monalisa")
	after, _ := signIn(t, p, "monalisa")
	stranger, _ := signIn(t, p, "octocat")
	if after.Subject != before.Subject || after.Login != "monalisa" {
		t.Errorf("after renaming got %+v, want subject %s", after, before.Subject)
	}
	if stranger.Subject == before.Subject {
		t.Errorf("new owner of the login got subject %s of the old one", stranger.Subject)
	}
}

// S256 goes out, the verifier does not, and a wrong one is refused (K7, UP-01).
func TestPKCEIsSentAndEnforced(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	verifier := oauth2.GenerateVerifier()
	u, err := url.Parse(away(t, p, "s", verifier, upstream.Hints{}))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	if method != "S256" || challenge != oauth2.S256ChallengeFromVerifier(verifier) {
		t.Errorf("challenge got %q %q, want S256 of the verifier", method, challenge)
	}
	holdsSecret := strings.Contains(u.String(), verifier) || strings.Contains(u.String(), fake.ClientSecret)
	if holdsSecret || q.Get("redirect_uri") != callback {
		t.Errorf("authorize URL %s: holds a secret, or another callback than %s", u, callback)
	}
	_, _, err = p.Exchange(t.Context(), callback, callbackQuery(t, p, "octocat", verifier), oauth2.GenerateVerifier())
	wantKind(t, err, "used")
}

// Of a client's wishes GitHub hears the two that it knows, under its own names (I8).
func TestGitHubHearsTheHintsItKnows(t *testing.T) {
	t.Parallel()
	p := provider(t, oauthtest.StartGitHub(t, nil))
	for want, hints := range map[string]upstream.Hints{
		"":                                 {},
		"login=octocat%40example.com":      {LoginHint: "octocat@example.com", DomainHint: "example.com"},
		"prompt=select_account":            {Prompt: []string{"login", "select_account"}},
		"login=octo&prompt=select_account": {Prompt: []string{"select_account"}, LoginHint: "octo"},
	} {
		u, err := url.Parse(away(t, p, "s", "verifier", hints))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		for _, name := range []string{
			"client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method",
		} {
			q.Del(name)
		}
		if got := q.Encode(); got != want {
			t.Errorf("%+v: got %q, want %q", hints, got, want)
		}
	}
}

func TestReplayedCallbackIsUsed(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	verifier := oauth2.GenerateVerifier()
	q := callbackQuery(t, p, "octocat", verifier)
	if _, _, err := p.Exchange(t.Context(), callback, q, verifier); err != nil {
		t.Fatal(err)
	}
	_, _, err := p.Exchange(t.Context(), callback, q, verifier)
	wantKind(t, err, "used")
}

// Whatever the callback says, only our sentences come out, and nothing is called (UP-14).
func TestCallbackWithoutACodeMakesNoCallAndEchoesNothing(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	const evil = "<script>evil</script>"
	tests := []struct {
		name, query, want string
	}{
		{"denied", "error=access_denied&error_description=" + url.QueryEscape(evil), "denied"},
		{"unknown error", "error=" + url.QueryEscape(evil), "outage"},
		{"our callback is not registered", "error=redirect_uri_mismatch", "outage"},
		{"suspended app", "error=application_suspended", "outage"},
		{"error beside a code", "code=abc&error=access_denied", "denied"},
		{"nothing", "", "refused"},
		{"empty code", "code=", "refused"},
		{"two codes", "code=a&code=b", "refused"},
		{"endless code", "code=" + strings.Repeat("a", 4097), "refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = p.Exchange(t.Context(), callback, q, "v")
			wantKind(t, err, test.want)
			if strings.Contains(err.Error(), "evil") {
				t.Errorf("error got %q, want nothing of the callback in it", err)
			}
		})
	}
	if calls := fake.Calls(); len(calls) != 0 {
		t.Errorf("calls got %v, want none", calls)
	}
}

// Errors come with status 200, and members may be missing (UP-05, K6).
func TestTokenAnswerIsCheckedMemberByMember(t *testing.T) {
	t.Parallel()
	const form, json = "application/x-www-form-urlencoded", "application/json"
	tests := []struct {
		name   string
		status int
		kind   string // Content-Type
		body   string
		want   string
	}{
		{"used code", 200, form, "error=bad_verification_code&error_description=SECRET", "used"},
		{"used code, JSON", 200, json, `{"error":"bad_verification_code","error_description":"SECRET"}`, "used"},
		{"wrong app secret", 200, form, "error=incorrect_client_credentials&error_description=SECRET", "outage"},
		{"wrong callback", 200, form, "error=redirect_uri_mismatch&error_description=SECRET", "outage"},
		{"unverified account", 200, form, "error=unverified_user_email&error_description=SECRET", "refused"},
		{"unknown error", 200, form, "error=SECRET", "outage"},
		{"an error beats a token", 200, json,
			`{"access_token":"gho_SECRET","token_type":"bearer","error":"bad_verification_code"}`, "used"},
		{"error word in a server fault", 500, json, `{"error":"bad_verification_code"}`, "outage"},
		{"rate limit", 429, json, `{"error":"bad_verification_code"}`, "outage"},
		{"empty", 200, form, "", "outage"},
		{"HTML", 200, "text/html", "<html>SECRET</html>", "outage"},
		{"no access_token", 200, json, `{"token_type":"bearer","scope":""}`, "outage"},
		{"no token_type", 200, json, `{"access_token":"gho_SECRET"}`, "outage"},
		{"other token_type", 200, json, `{"access_token":"gho_SECRET","token_type":"mac"}`, "outage"},
		{"token with a line break", 200, json,
			`{"access_token":"gho_SECRET\r\nX: y","token_type":"bearer","scope":"read:org"}`, "outage"},
		{"broken expiry", 200, json, `{"access_token":"gho_x","token_type":"bearer","expires_in":"SECRET"}`, "outage"},
		{"token with a blank", 200, json,
			`{"access_token":"gho_SECRET y","token_type":"bearer","scope":"read:org"}`, "outage"},
		{"token of another type", 200, json, `{"access_token":12345,"token_type":"bearer"}`, "outage"},
		{"broken form", 200, form, "access_token=gho_SECRET%zz", "outage"},
		{"scope not said", 200, json, `{"access_token":"gho_SECRET","token_type":"bearer"}`, "odd"},
		{"scope of another type", 200, json,
			`{"access_token":"gho_SECRET","token_type":"bearer","scope":["read:org"]}`, "odd"},
		{"null", 200, json, `null`, "outage"},
		{"empty object", 200, json, `{}`, "outage"},
		{"missing scope", 200, json, `{"access_token":"gho_SECRET","token_type":"bearer","scope":"user"}`, "refused"},
		{"redirect", 302, form, "access_token=gho_SECRET&token_type=bearer&scope=read:org", "outage"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := oauthtest.StartGitHub(t, nil)
			answer := oauthtest.Fault{Status: test.status, ContentType: test.kind, Body: test.body}
			fake.Outage("/login/oauth/access_token", answer)
			_, _, err := provider(t, fake, "read:org").Exchange(t.Context(), callback, url.Values{"code": {"c"}}, "v")
			wantKind(t, err, test.want)
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), "SECRET") {
				t.Errorf("error got %v, want nothing of the answer in it", err)
			}
			if want := []string{"POST /login/oauth/access_token"}; !slices.Equal(fake.Calls(), want) {
				t.Errorf("calls got %v, want %v: a one-time code is sent once", fake.Calls(), want)
			}
		})
	}
}

func TestWiderScopeStandsForTheNarrowOne(t *testing.T) {
	t.Parallel()
	for granted, want := range map[string]string{
		"read:org": "none", "write:org": "none", "admin:org,user": "none", "user, read:org": "none",
		"repo": "refused", "": "refused",
	} {
		fake := oauthtest.StartGitHub(t, nil)
		token := fake.IssueToken("octocat", "")
		body := `{"access_token":"` + token + `","token_type":"Bearer","scope":"` + granted + `"}`
		fake.Outage("/login/oauth/access_token", oauthtest.Fault{Status: 200, Body: body})
		_, _, err := provider(t, fake, "read:org").Exchange(t.Context(), callback, url.Values{"code": {"c"}}, "v")
		if got := kind(err); got != want {
			t.Errorf("granted %q: error got %s (%v), want %s", granted, got, err, want)
		}
	}
}

// No number, no person (UP-06, UP-07).
func TestUserAnswerWithoutAPositiveIntegerIDIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"missing":   `{"login":"octocat"}`,
		"null":      `{"id":null,"login":"octocat"}`,
		"zero":      `{"id":0,"login":"octocat"}`,
		"negative":  `{"id":-1,"login":"octocat"}`,
		"string":    `{"id":"583231","login":"octocat"}`,
		"fraction":  `{"id":583231.0,"login":"octocat"}`,
		"exponent":  `{"id":5e5,"login":"octocat"}`,
		"too big":   `{"id":9223372036854775808,"login":"octocat"}`,
		"no login":  `{"id":583231}`,
		"bad login": `{"id":583231,"login":"../../x"}`,
		"array":     `[{"id":583231,"login":"octocat"}]`,
		"trailing":  `{"id":583231,"login":"octocat"}{"id":1}`,
		"a message": `{"message":"Not Found"}`,
		"null body": `null`,
		"HTML":      `<html>`,
		"empty":     ``,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := oauthtest.StartGitHub(t, nil)
			p := provider(t, fake)
			verifier := oauth2.GenerateVerifier()
			q := callbackQuery(t, p, "octocat", verifier)
			fake.Outage("/user", oauthtest.Fault{Status: 200, Body: body})
			id, _, err := p.Exchange(t.Context(), callback, q, verifier)
			wantKind(t, err, "odd")
			if id != (upstream.Identity{}) {
				t.Errorf("identity got %+v, want none", id)
			}
		})
	}
}

// An outage at any call is never a verdict on the person (UP-17).
func TestOutageAtEachCallIsNoVerdict(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/login/oauth/access_token", "/user", "/user/emails"} {
		for _, status := range []int{301, 400, 401, 403, 404, 429, 500, 502, 503} {
			t.Run(fmt.Sprint(path, " ", status), func(t *testing.T) {
				t.Parallel()
				fake := oauthtest.StartGitHub(t, nil)
				p := provider(t, fake, "user:email")
				verifier := oauth2.GenerateVerifier()
				q := callbackQuery(t, p, "octocat", verifier)
				fake.Outage(path, oauthtest.Fault{Status: status, Body: `{"message":"no"}`})
				_, _, err := p.Exchange(t.Context(), callback, q, verifier)
				wantKind(t, err, "outage")
			})
		}
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		fake := oauthtest.StartGitHub(t, nil)
		p := provider(t, fake)
		fake.Close()
		_, _, err := p.Exchange(t.Context(), callback, url.Values{"code": {"c"}}, "v")
		wantKind(t, err, "outage")
	})
}

// A redirect does not carry the token elsewhere, a huge answer is cut (UP-16).
func TestRedirectsAndHugeAnswersAreRefused(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		fmt.Fprint(w, `{"id":1,"login":"evil","access_token":"x","token_type":"bearer"}`)
	}))
	t.Cleanup(elsewhere.Close)
	faults := map[string]oauthtest.Fault{
		"redirect": {Redirect: elsewhere.URL},
		"huge":     {Huge: true},
		"huge JSON": {
			Status: 200,
			Body: `{"id":583231,"login":"octocat","access_token":"a","token_type":"bearer"}` +
				strings.Repeat(" ", 1<<20),
		},
		"huge form": {
			Status: 200, ContentType: "application/x-www-form-urlencoded",
			Body: "access_token=a&token_type=bearer&x=" + strings.Repeat("a", 1<<20),
		},
	}
	for name, fault := range faults {
		for _, path := range []string{"/login/oauth/access_token", "/user"} {
			fake := oauthtest.StartGitHub(t, nil)
			p := provider(t, fake)
			verifier := oauth2.GenerateVerifier()
			q := callbackQuery(t, p, "octocat", verifier)
			fake.Outage(path, fault)
			_, _, err := p.Exchange(t.Context(), callback, q, verifier)
			if got := kind(err); got != "outage" {
				t.Errorf("%s at %s: error got %s (%v), want outage", name, path, got, err)
			}
			if calls := fake.Calls(); path != "/user" && slices.Contains(calls, "GET /user") {
				t.Errorf("%s at %s: calls got %v, want none with a token out of a bad answer", name, path, calls)
			}
		}
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("visits elsewhere got %d, want 0", n)
	}
}

// Verified and primary, or nothing (UP-08).
func TestOnlyTheVerifiedPrimaryAddressIsRead(t *testing.T) {
	t.Parallel()
	type emails = []oauthtest.Email
	email := func(address string, primary, verified bool) oauthtest.Email {
		return oauthtest.Email{Email: address, Primary: primary, Verified: verified}
	}
	tests := []struct {
		name   string
		emails emails
		want   string
	}{
		{"primary and verified", emails{email("a@x.example", false, true), email("b@x.example", true, true)},
			"b@x.example"},
		{"primary is not verified", emails{email("a@x.example", true, false), email("b@x.example", false, true)}, ""},
		{"none is primary", emails{email("a@x.example", false, true)}, ""},
		{"none", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := oauthtest.StartGitHub(t, nil)
			fake.AddUser(oauthtest.User{Login: "someone", Emails: test.emails})
			id, _ := signIn(t, provider(t, fake, "user:email"), "someone")
			if id.Email != test.want {
				t.Errorf("address got %q, want %q", id.Email, test.want)
			}
		})
	}
}

// Interleaved sign-ins do not mix (UP-13).
func TestTwoHundredInterleavedPeopleEachGetTheirOwnIdentity(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			login, verifier := fmt.Sprintf("person-%d", i), oauth2.GenerateVerifier()
			start := away(t, p, "s", verifier, upstream.Hints{})
			u, err := oauthtest.NewBrowser(callback).Walk(t.Context(), start, login)
			if err != nil {
				t.Error(err)
				return
			}
			id, _, err := p.Exchange(t.Context(), callback, u.Query(), verifier)
			if err != nil || id.Login != login {
				t.Errorf("login got %q (%v), want %q", id.Login, err, login)
			}
		})
	}
	wg.Wait()
}

func TestNamesLoseControlAndDirectionCharacters(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddUser(oauthtest.User{Login: "someone", Name: "Eve\u202e\n\tX\x00" + strings.Repeat("é", 200)})
	id, token := signIn(t, provider(t, fake), "someone")
	if want := "Eve  X " + strings.Repeat("é", 93); id.Name != want {
		t.Errorf("name got %q, want %q", id.Name, want)
	}
	profile, err := provider(t, fake).Profile(t.Context(), token)
	if err != nil || profile.Name != id.Name {
		t.Errorf("profile name got %q (%v), want %q", profile.Name, err, id.Name)
	}
}

func TestProfileIsReadWithThePersonsOwnToken(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	p := provider(t, fake)
	_, token := signIn(t, p, "octocat")
	profile, err := p.Profile(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if profile.Subject != "github:583231" || profile.Login != "octocat" || profile.PublicRepos != 8 ||
		profile.CreatedAt.Year() != 2011 {
		t.Errorf("profile got %+v, want octocat's", profile)
	}
	fake.RevokeTokens("octocat")
	_, err = p.Profile(t.Context(), token)
	wantKind(t, err, "dead")
}

func TestBadSettingsAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := upstream.NewGitHub(upstream.GitHubConfig{
		URL: "http://github.example", APIURL: "https://api.github.example/",
	})
	for _, name := range []string{"GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET_FILE", "GITHUB_URL", "GITHUB_API_URL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error got %v, want %s in it", err, name)
		}
	}
	for raw, want := range map[string]bool{
		"": true, "https://ghe.example": true, "https://ghe.example/api/v3": true,
		"http://127.0.0.1:8": true, "http://[::1]:8": true, "http://localhost:8": true,
		"http://localhost.evil.example": false, "http://127.0.0.1.evil.example": false, "http://10.0.0.1": false,
		"https://u:p@ghe.example": false, "https://ghe.example?": false, "https://ghe.example#": false,
		"ghe.example": false, "ftp://127.0.0.1": false,
	} {
		_, err := upstream.NewGitHub(upstream.GitHubConfig{ClientID: "c", ClientSecret: secretOf("s"), URL: raw})
		if (err == nil) != want {
			t.Errorf("GITHUB_URL %q: accepted got %v, want %v", raw, err == nil, want)
		}
	}
}

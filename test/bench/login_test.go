package bench

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// A login signs in as cheaply as a client can, so that the server's part shows: no HTML
// parser, no front.
type login struct {
	b              *testing.B
	client         *http.Client
	origin, issuer string
	cookies        map[string]string
	steps          []step // of the last run
	runs           int
}

// A step is one request of a login, for the other side to imitate.
type step struct {
	request, answer int    // bytes of the bodies
	work            string // what the bare program has to do, as a query
}

var (
	transaction = regexp.MustCompile(`name="transaction" value="([^"]*)"`)
	state       = regexp.MustCompile(`name="state" value="([^"]*)"`)
)

// run is one login: six requests, three commits, one signature.
func (l *login) run() {
	l.cookies, l.steps = map[string]string{}, l.steps[:0]
	l.runs++
	var client struct {
		ID string `json:"client_id"`
	}
	metadata := `{"client_name":"Bench","token_endpoint_auth_method":"none",` +
		`"redirect_uris":["` + rig.RedirectURI + `"]}`
	l.decode(l.send(http.MethodPost, "/register", "application/json", metadata, "&commit=1"), &client)
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {rig.RedirectURI},
		"state": {rand.Text()}, "scope": {"mcp"}, "resource": {l.issuer + "/mcp"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	page := l.send(http.MethodGet, "/authorize?"+query.Encode(), "", "", "")
	approval := url.Values{"transaction": {l.field(transaction, page)}, "decision": {"approve"}}
	at := l.send(http.MethodPost, "/authorize", form, approval.Encode(), "").to
	page = l.send(http.MethodGet, strings.TrimPrefix(at, l.issuer), "", "", "")
	login := url.Values{"state": {l.field(state, page)}, "login": {"octocat"}}
	back := l.send(http.MethodPost, "/auth/callback", form, login.Encode(), "&commit=1").to
	u, err := url.Parse(back)
	if err != nil || u.Query().Get("code") == "" {
		l.b.Fatalf("no code: %v", err)
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	l.decode(l.send(http.MethodPost, "/token", form, url.Values{
		"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")}, "code_verifier": {verifier},
		"client_id": {client.ID}, "redirect_uri": {rig.RedirectURI},
	}.Encode(), "&commit=1&sign=1"), &tokens)
	if tokens.Access == "" {
		l.b.Fatal("no access token")
	}
}

const form = "application/x-www-form-urlencoded"

// An answer is what the next step needs of the one before.
type answer struct {
	body []byte
	to   string // Location
}

func (l *login) send(method, path, contentType, body, work string) answer {
	l.b.Helper()
	r, err := http.NewRequest(method, l.origin+path, strings.NewReader(body))
	if err != nil {
		l.b.Fatal(err)
	}
	r.Host = strings.TrimPrefix(l.issuer, "http://")
	if method == http.MethodPost && contentType == form && path != "/token" {
		r.Header.Set("Origin", l.issuer)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Accept", "*/*")
	// Another person each time.
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", l.runs>>16, l.runs>>8&255, l.runs&255))
	for name, value := range l.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := l.client.Do(r)
	if err != nil {
		l.b.Fatal(err)
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		l.cookies[c.Name] = c.Value
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 400 {
		l.b.Fatalf("%s %s: status %d, %v", method, r.URL.Path, resp.StatusCode, err)
	}
	l.steps = append(l.steps, step{len(body), len(data), work})
	return answer{data, resp.Header.Get("Location")}
}

func (l *login) field(re *regexp.Regexp, a answer) string {
	l.b.Helper()
	m := re.FindSubmatch(a.body)
	if m == nil {
		l.b.Fatalf("the page has no %s", re)
	}
	return html.UnescapeString(string(m[1]))
}

func (l *login) decode(a answer, into any) {
	l.b.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		l.b.Fatal(err)
	}
}

package test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// A recording is what one real client sent, with placeholders: <redirect> for its
// redirect URI, <issuer> for the server's origin, <port> for a random port.
type recording struct {
	Client       string         `json:"client"`
	RedirectURI  string         `json:"redirect_uri"`
	Registration map[string]any `json:"registration"`
	Authorize    map[string]any `json:"authorize"`
	// Token lists the parameters of each token request seen and, in brackets, how the
	// client authenticated.
	Token    []string `json:"token"`
	Opens    string   `json:"opens"`
	Protocol []string `json:"protocol"`
}

// What fifteen clients were seen to send works to the end: registrations of every shape (W10),
// loopback ports other than the registered one (RU-04, W11), resources in all spellings (W3).
func TestRecordedClientsSignInAndRefresh(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	files, err := filepath.Glob("testdata/clients/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	s := rig.Start(t, rig.Options{})
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var r recording
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, kind := range r.kinds("authorization_code") {
			t.Run(r.Client+"/"+kind, func(t *testing.T) { r.replay(t, s, kind) })
		}
	}
}

// kinds returns how the client authenticated for that grant: none, basic, post.
func (r *recording) kinds(grant string) []string {
	var list []string
	for _, line := range r.Token {
		if strings.HasPrefix(line, grant+":") {
			list = append(list, line[strings.IndexByte(line, '[')+1:len(line)-1])
		}
	}
	return list
}

var methods = map[string]string{"none": "none", "basic": "client_secret_basic", "post": "client_secret_post"}

func (r *recording) replay(t *testing.T, s *rig.Server, kind string) {
	a := rig.NewApp(s)
	a.Redirect = strings.Replace(r.RedirectURI, "<port>", "41111", 1)
	metadata := r.fill(r.Registration, a).(map[string]any)
	metadata["token_endpoint_auth_method"] = methods[kind]
	if err := a.Register(t.Context(), metadata); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.RedirectURI, "<port>") {
		a.Redirect = strings.Replace(r.RedirectURI, "<port>", "52222", 1) // the next run of the client
	}
	code, verifier := r.authorize(t, s, a)
	for _, line := range r.Token {
		if !strings.HasSuffix(line, "["+kind+"]") {
			continue
		}
		if err := a.Token(t.Context(), r.tokenForm(line, a, code, verifier)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		r.useToken(t, a)
	}
}

// authorize sends the recorded query with fresh values where secrets stood.
func (r *recording) authorize(t *testing.T, s *rig.Server, a *rig.App) (code, verifier string) {
	t.Helper()
	address, verifier, state := a.AuthorizeURL()
	made, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{}
	for name, value := range r.fill(r.Authorize, a).(map[string]any) {
		text := value.(string)
		if strings.HasPrefix(text, "<") {
			text = made.Query().Get(name)
		}
		query.Set(name, text)
	}
	back, err := s.Browser(a.Redirect).Walk(t.Context(), s.URL+"/authorize?"+query.Encode(), "octocat")
	if err != nil {
		t.Fatal(err)
	}
	got := back.Query()
	if got.Get("state") != state || got.Get("code") == "" || got.Get("iss") != s.URL {
		t.Fatalf("got error %q, iss %q; want a code, the state and iss %q", got.Get("error"), got.Get("iss"), s.URL)
	}
	return got.Get("code"), verifier
}

// fill puts real values in place of the placeholders that are not secrets.
func (r *recording) fill(value any, a *rig.App) any {
	switch v := value.(type) {
	case string:
		return strings.NewReplacer("<redirect>", a.Redirect, "<issuer>", a.Origin).Replace(v)
	case []any:
		list := slices.Clone(v)
		for i := range list {
			list[i] = r.fill(list[i], a)
		}
		return list
	case map[string]any:
		members := map[string]any{}
		for name, member := range v {
			members[name] = r.fill(member, a)
		}
		return members
	}
	return value
}

// tokenForm is the recorded request; the App adds client_id and client_secret.
func (r *recording) tokenForm(line string, a *rig.App, code, verifier string) url.Values {
	grant, rest, _ := strings.Cut(line, ":")
	all := map[string]string{
		"grant_type": grant, "code": code, "code_verifier": verifier, "redirect_uri": a.Redirect,
		"refresh_token": a.RefreshToken, "scope": "mcp", "resource": r.fill(r.Authorize["resource"], a).(string),
	}
	form := url.Values{}
	for name := range strings.FieldsSeq(rest) {
		if value, ok := all[name]; ok {
			form.Set(name, value)
		}
	}
	return form
}

func (r *recording) useToken(t *testing.T, a *rig.App) {
	t.Helper()
	revision := "2025-06-18"
	if len(r.Protocol) > 0 {
		revision = r.Protocol[len(r.Protocol)-1]
	}
	login, err := a.Whoami(t.Context(), revision)
	if err != nil {
		t.Fatal(err)
	}
	if login != "octocat" {
		t.Errorf("got login %q, want octocat", login)
	}
}

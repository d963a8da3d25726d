package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/postern-dev/postern/shared/credential"
)

// The client id and the scopes are kept with the token (K5).
func TestTokenSurvivesItsMarshalling(t *testing.T) {
	t.Parallel()
	for _, want := range []Token{
		{},
		{AccessToken: credential.Wrap("gho_x"), ClientID: "app"},
		{AccessToken: credential.Wrap("gho_x"), ClientID: "app",
			Scopes: []string{"read:org", "user:email"}, Expiry: time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)},
	} {
		b, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := UnmarshalToken(b)
		if err != nil {
			t.Fatal(err)
		}
		reveal := cmp.Transformer("reveal", credential.Secret.Reveal)
		if diff := cmp.Diff(want, got, reveal); diff != "" {
			t.Errorf("token (-want +got):\n%s", diff)
		}
	}
}

func TestTokenOfAnotherVersionIsRefusedWithoutItsText(t *testing.T) {
	t.Parallel()
	keeps := []string{``, `{}`, `{"v":2,"access_token":"gho_x"}`, `"gho_x"`, `{"v":1,"access_token":7}`, `gho_x`}
	for _, kept := range keeps {
		got, err := UnmarshalToken([]byte(kept))
		if err == nil || strings.Contains(err.Error(), "gho_x") || !got.IsZero() {
			t.Errorf("%s: got %v (%v), want an error without the token in it", kept, got, err)
		}
	}
}

func TestTokenDoesNotShowItsSecretByAccident(t *testing.T) {
	t.Parallel()
	token := Token{AccessToken: credential.Wrap("gho_x"), ClientID: "app"}
	b, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{
		string(b), fmt.Sprint(token), fmt.Sprintf("%+v %#v %q", token, token, token), fmt.Sprint(&token),
	}
	for _, s := range printed {
		if strings.Contains(s, "gho_x") {
			t.Errorf("got %s, want the secret not in it", s)
		}
	}
}

func TestClientIgnoresProxyVariables(t *testing.T) {
	t.Parallel()
	base := NewClient(nil).Transport.(bounded).base.(*http.Transport)
	if base.Proxy != nil {
		t.Error("Transport.Proxy is set, want nil")
	}
	if base.TLSClientConfig != nil && base.TLSClientConfig.InsecureSkipVerify {
		t.Error("TLS is not verified")
	}
}

// transportFunc answers without a network, so that time may stand still.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// dripping sends a blank each second until the request is given up.
type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}

func (dripping) Close() error { return nil }

func stub(t *testing.T, f transportFunc) *GitHub {
	t.Helper()
	g, err := NewGitHub(GitHubConfig{
		ClientID:     "app",
		ClientSecret: func(context.Context) (credential.Secret, error) { return credential.Wrap("s"), nil },
		Transport:    f,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func jsonAnswer(status int, body string) *http.Response {
	return jsonStream(status, io.NopCloser(strings.NewReader(body)))
}

func jsonStream(status int, body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// Five seconds in all, however the time is spent (UP-16).
func TestSlowGitHubIsGivenUpAfterFiveSecondsInAll(t *testing.T) {
	t.Parallel()
	token := `{"access_token":"gho_x","token_type":"bearer"}`
	drip := func(r *http.Request) (*http.Response, error) {
		return jsonStream(200, dripping{r.Context()}), nil
	}
	tests := map[string]transportFunc{
		"the first call drips": drip,
		"a slow first call leaves less for the second": func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/user" {
				return drip(r)
			}
			time.Sleep(4 * time.Second) // the bubble's clock, no real time
			return jsonAnswer(200, token), nil
		},
		"no answer at all": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
	}
	for name, transport := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				query := url.Values{"code": {"c"}}
				_, _, err := stub(t, transport).Exchange(t.Context(), "https://a.example/auth/callback", query, "v")
				if err == nil {
					t.Error("got no error")
				}
				if took := time.Since(start); took != 5*time.Second {
					t.Errorf("took %v of the bubble's time, want 5s", took)
				}
			})
		})
	}
}

// Whatever GitHub answers, there is a whole identity or none.
func FuzzGitHubAnswers(f *testing.F) {
	f.Add("application/json", `{"access_token":"gho_x","token_type":"bearer","scope":""}`,
		`{"id":583231,"login":"octocat"}`)
	f.Add("application/x-www-form-urlencoded", `access_token=x&token_type=bearer`, `{"id":1e3,"login":"x"}`)
	f.Add("text/html", `error=bad_verification_code`, `[]`)
	f.Fuzz(func(t *testing.T, kind, tokenBody, userBody string) {
		g := stub(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/user" {
				return jsonAnswer(200, userBody), nil
			}
			resp := jsonAnswer(200, tokenBody)
			resp.Header.Set("Content-Type", kind)
			return resp, nil
		})
		id, token, err := g.Exchange(t.Context(), "https://a.example/auth/callback", url.Values{"code": {"c"}}, "v")
		if err != nil {
			if id != (Identity{}) {
				t.Fatalf("error %v, and yet identity %+v", err, id)
			}
			return
		}
		number, err := strconv.ParseInt(strings.TrimPrefix(id.Subject, "github:"), 10, 64)
		if err != nil || number <= 0 || id.Login == "" || token.IsZero() {
			t.Fatalf("identity got %+v, want a positive id, a login and a token", id)
		}
	})
}

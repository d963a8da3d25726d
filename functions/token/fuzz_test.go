package token

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
)

// refusals are the words of RFC 6749 §5.2 and RFC 8707 §2.
var refusals = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
	"invalid_scope", "invalid_target",
}

// Any body at any path is answered in JSON with a registered word in the alphabet of RFC 6749 §5.2 and never as a
// fault; without a valid credential nothing is given (TE-01, TE-02, TE-13, F9).
func FuzzTokenBody(f *testing.F) {
	e := open(f, nil)
	for _, body := range []string{
		"", "grant_type=authorization_code&code=ac_x&code_verifier=" + verifier + "&client_id=c_public",
		"grant_type=refresh_token&refresh_token=rt_x&client_id=c_public",
		"client_id=c_post&client_secret=x", "token=rt_x&client_id=c_public", "a=1&a=1", "%zz", "{}", "\xff",
		"client_id=%00%ff", "grant_type=\"\\&client_id=c_public",
		"grant_type=refresh_token&scope=%22&client_id=c_public",
		"resource=x&resource=y&client_id=c_public&grant_type=authorization_code",
	} {
		for _, path := range []string{oauth.TokenPath, oauth.RevokePath, oauth.IntrospectPath} {
			f.Add(path, "application/x-www-form-urlencoded", body)
			f.Add(path, "application/json", body)
		}
	}
	f.Fuzz(func(t *testing.T, path, mediaType, body string) {
		if !slices.Contains([]string{oauth.TokenPath, oauth.RevokePath, oauth.IntrospectPath}, path) {
			return
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header["Content-Type"] = []string{mediaType}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		checkRefusal(t, path, w)
	})
}

// Any Authorization header likewise.
func FuzzBasic(f *testing.F) {
	e := open(f, nil)
	for _, header := range []string{
		"", "Basic", "Basic ", "basic Og==", "Basic ***", basic(basicID, "x"), basic(postID, secretOf(postID)),
		basic(publicID, ""), "Bearer x", "Basic JXp6Ong=", "Basic w786w78=",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, oauth.TokenPath,
			strings.NewReader("grant_type=refresh_token&refresh_token=rt_x"))
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {header}}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		checkRefusal(t, oauth.TokenPath, w)
		if w.Code == http.StatusUnauthorized && header != "" &&
			!strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("got no challenge for %q", header)
		}
	})
}

func checkRefusal(t *testing.T, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	if path == oauth.RevokePath && w.Code == http.StatusOK && w.Body.Len() == 0 {
		return // an unknown token of a public client
	}
	var body map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("got %d %q: %v", w.Code, w.Body, err)
	}
	if w.Code < 400 || w.Code >= 500 || w.Code != http.StatusTooManyRequests &&
		!slices.Contains(refusals, body["error"]) {
		t.Errorf("got %d %v", w.Code, body)
	}
	for _, c := range body["error_description"] {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			t.Errorf("the description holds %q", c)
		}
	}
}

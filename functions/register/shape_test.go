package register

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each file is the body that a client sent when it was recorded, that its source says it
// sends (cursor, vscode), or that has what servers were seen to stumble over.
func TestEveryRecordedClientRegisters(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/registrations/*.json")
	if err != nil || len(files) != 22 {
		t.Fatalf("recorded registrations: got %d, %v, want 22", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newServer(t).send(t, http.MethodPost, "/register", "", string(body))
			if w.Code != http.StatusCreated {
				t.Fatalf("got %d %s, want 201", w.Code, w.Body)
			}
			answer := decode(t, w.Body.Bytes())
			checkShape(t, answer)
			checkEcho(t, decode(t, body), answer)
		})
	}
}

// checkEcho wants every member of a registration that is used or shown in its answer as it
// was sent, but for grant types and scopes that we do not have, and no other (F2, F11, F12,
// REG-11, REG-13, RG-02).
func checkEcho(t *testing.T, sent, answer map[string]any) {
	t.Helper()
	for name, want := range sent {
		if members[name] == nil {
			want = nil
		}
		if _, list := want.([]any); list && name == "scope" {
			want = "mcp"
		}
		if list, ok := want.([]any); ok && name == "grant_types" {
			want = slices.DeleteFunc(list, func(v any) bool { return strings.HasPrefix(fmt.Sprint(v), "urn:") })
		}
		if diff := cmp.Diff(want, answer[name]); diff != "" {
			t.Errorf("%s in the answer (-sent +got):\n%s", name, diff)
		}
	}
}

func decode(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return m
}

// members is the strictest reading of RFC 7591 §3.2.1 and RFC 7592 §3 among the
// clients: zod and pydantic refuse null, and URLs and lists of another type (F1).
var members = map[string]func(any) bool{
	"client_id":                  text(`^c_[\w-]{22,}$`),
	"client_id_issued_at":        number,
	"client_secret":              text(`^cs_[\w-]{43}$`),
	"client_secret_expires_at":   number,
	"registration_client_uri":    text(`^https://auth\.example\.com/register/c_[\w-]+$`),
	"registration_access_token":  text(`^rat_[\w-]{43}([\w-]{43})?$`),
	"redirect_uris":              list(text(`^[a-z][a-z0-9+.-]*:.`)),
	"token_endpoint_auth_method": text(`^(none|client_secret_basic|client_secret_post)$`),
	"grant_types":                list(text(`^(authorization_code|refresh_token)$`)),
	"response_types":             list(text(`^code$`)),
	"scope":                      text(`^mcp$`),
	"client_name":                text(`\S`),
}

// required members are in every answer.
var required = []string{
	"client_id", "client_id_issued_at", "registration_client_uri", "registration_access_token",
	"redirect_uris", "token_endpoint_auth_method", "grant_types", "response_types", "scope",
}

func text(pattern string) func(any) bool {
	p := regexp.MustCompile(pattern)
	return func(v any) bool { s, ok := v.(string); return ok && p.MatchString(s) }
}

func number(v any) bool { n, ok := v.(float64); return ok && n >= 0 && n == float64(int64(n)) }

func list(element func(any) bool) func(any) bool {
	return func(v any) bool {
		l, ok := v.([]any)
		return ok && len(l) > 0 && !slices.ContainsFunc(l, func(e any) bool { return !element(e) })
	}
}

// checkShape holds the answer of a registration to members and required.
func checkShape(t testing.TB, answer map[string]any) {
	t.Helper()
	for name, v := range answer {
		if ok, known := members[name]; !known || !ok(v) {
			t.Errorf("member %s: got %v", name, v)
		}
	}
	for _, name := range required {
		if answer[name] == nil {
			t.Errorf("member %s is missing", name)
		}
	}
	secret, expires := answer["client_secret"] != nil, answer["client_secret_expires_at"] != nil
	if public := answer["token_endpoint_auth_method"] == "none"; secret == public || expires != secret {
		t.Errorf("method %v: got a secret %t, its expiry %t", answer["token_endpoint_auth_method"], secret, expires)
	}
}

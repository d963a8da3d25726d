package register

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Any body is registered in the strict shape or refused in the words of RFC 7591
// §3.2.2, and what was registered may be registered again as it was answered.
func FuzzRegister(f *testing.F) {
	files, err := filepath.Glob("testdata/registrations/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body))
	}
	for _, body := range []string{
		"", "null", "[]", "{}", `{"redirect_uris":[null]}`, `{"redirect_uris":null,"jwks":{"keys":[{"d":1}]}}`,
		`{"redirect_uris":["https://app.example/"],"contacts":["",null],"client_name":" ","grant_types":["urn:x"]}`,
		`{"redirect_uris":["https://app.example/"],"client_id":"c_x","client_secret":[],` +
			`"scope":"a b","application_type":"web"}`,
		`{"Redirect_uris":["https://app.example/"]}`,
		`{"redirect_uris":["com.example:/"],"redirect_uris":["javascript:x"]}`,
	} {
		f.Add(body)
	}
	s := newServer(f)
	f.Fuzz(func(t *testing.T, body string) {
		s.Clock.Advance(registrationBurst * time.Second) // fills the limiter's bucket again
		s.Lines.Reset()
		w := s.send(t, http.MethodPost, "/register", "", body)
		answer := decode(t, w.Body.Bytes())
		if w.Code != http.StatusCreated {
			checkRefusal(t, len(body), w.Code, answer)
			return
		}
		checkShape(t, answer)
		again, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		w = s.send(t, http.MethodPost, "/register", "", string(again))
		ignored := func(name string, _ any) bool {
			return slices.Contains([]string{
				"client_id", "client_id_issued_at", "client_secret", "registration_client_uri",
				"registration_access_token",
			}, name)
		}
		second := decode(t, w.Body.Bytes())
		maps.DeleteFunc(answer, ignored)
		maps.DeleteFunc(second, ignored)
		if diff := cmp.Diff(answer, second); w.Code != http.StatusCreated || diff != "" {
			t.Errorf("registered again: got %d (-first +second):\n%s", w.Code, diff)
		}
	})
}

func checkRefusal(t *testing.T, size, code int, answer map[string]any) {
	t.Helper()
	want := []any{"invalid_redirect_uri", "invalid_client_metadata"}
	if size > maxBody && code == http.StatusRequestEntityTooLarge {
		return
	}
	if code != http.StatusBadRequest || !slices.Contains(want, answer["error"]) {
		t.Errorf("got %d %v, want 201 or 400 with one of %v", code, answer, want)
	}
}

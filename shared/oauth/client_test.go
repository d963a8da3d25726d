package oauth

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func decode(t *testing.T, body string) ClientMetadata {
	t.Helper()
	var m ClientMetadata
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("decode %s: %v", body, err)
	}
	return m
}

// Registrations as real clients send them (recorded November 2026), Cursor's three
// URIs among them (C1), are accepted, and what was asked for is what is registered.
func TestRegistrationsOfRealClientsAreAccepted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/registrations/*.json")
	if err != nil || len(files) < 17 {
		t.Fatalf("got %d files, %v; want 17", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		asked := decode(t, string(body))
		got, err := asked.Registered(testPolicy)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !slices.Equal(got.RedirectURIs, asked.RedirectURIs) || got.TokenEndpointAuthMethod != asked.TokenEndpointAuthMethod ||
			got.ClientName != asked.ClientName || got.ApplicationType != asked.ApplicationType || got.ClientURI != asked.ClientURI ||
			got.SoftwareID != asked.SoftwareID || got.SoftwareVersion != asked.SoftwareVersion {
			t.Errorf("%s: registered %+v, asked for %+v", file, got, asked)
		}
		if !slices.Equal(got.GrantTypes, SupportedGrantTypes()) || !slices.Equal(got.ResponseTypes, []string{"code"}) || got.Scope != "mcp" {
			t.Errorf("%s: got grants %q, responses %q, scope %q", file, got.GrantTypes, got.ResponseTypes, got.Scope)
		}
	}
}

// What a client leaves out is filled in, what is not known here is left out, and the answer says
// what is registered (B11, F2, F3, F5, F6, F11, F12, I2, W10, REG-06, REG-09, REG-13, RG-04).
func TestDefaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, body, member, want string }{
		{"default of the RFC", `{"redirect_uris":["https://a.test/cb"]}`, "token_endpoint_auth_method", `"client_secret_basic"`},
		{"loopback is public", `{"redirect_uris":["http://127.0.0.1/cb"]}`, "token_endpoint_auth_method", `"none"`},
		{"one of several is loopback", `{"redirect_uris":["https://a.test/cb","http://localhost:1/cb"]}`, "token_endpoint_auth_method", `"none"`},
		{"private scheme is public", `{"redirect_uris":["cursor://x/cb"]}`, "token_endpoint_auth_method", `"none"`},
		{"none is answered with none", `{"redirect_uris":["https://a.test/cb"],"token_endpoint_auth_method":"none"}`, "token_endpoint_auth_method", `"none"`},
		{"post is answered with post", `{"redirect_uris":["http://localhost/cb"],"token_endpoint_auth_method":"client_secret_post"}`, "token_endpoint_auth_method", `"client_secret_post"`},
		{"grant types", `{"redirect_uris":["https://a.test/cb"]}`, "grant_types", `["authorization_code","refresh_token"]`},
		{"unknown grant types", `{"redirect_uris":["https://a.test/cb"],"grant_types":["urn:ietf:params:oauth:grant-type:device_code","authorization_code"]}`, "grant_types", `["authorization_code"]`},
		{"response types", `{"redirect_uris":["https://a.test/cb"],"response_types":["token","code"]}`, "response_types", `["code"]`},
		{"no scope", `{"redirect_uris":["https://a.test/cb"]}`, "scope", `"mcp"`},
		{"empty scope", `{"redirect_uris":["https://a.test/cb"],"scope":""}`, "scope", `"mcp"`},
		{"foreign scopes", `{"redirect_uris":["https://a.test/cb"],"scope":"claudeai openid email"}`, "scope", `"mcp"`},
		{"application_type is echoed", `{"redirect_uris":["https://a.test/cb"],"application_type":"native"}`, "application_type", `"native"`},
		{"a query is kept", `{"redirect_uris":["https://a.test/cb?t=a%20b"]}`, "redirect_uris", `["https://a.test/cb?t=a%20b"]`},
	} {
		got, err := decode(t, row.body).Registered(testPolicy)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if value, _ := json.Marshal(members(t, got)[row.member]); string(value) != row.want {
			t.Errorf("%s: %s is %s, want %s", row.name, row.member, value, row.want)
		}
	}
}

// Nulls and empty values on the way in are nothing on the way out (F1).
func TestAnswerHasNoNullsAndNoEmptyValues(t *testing.T) {
	t.Parallel()
	body := `{"redirect_uris":["https://a.test/cb"],"contacts":null,"client_uri":"","logo_uri":null,"tos_uri":"","policy_uri":null,
		"client_name":null,"scope":null,"grant_types":null,"response_types":[],"software_id":"","software_version":null,"jwks":null,
		"application_type":"","token_endpoint_auth_method":null}`
	got, err := decode(t, body).Registered(testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"grant_types", "redirect_uris", "response_types", "scope", "token_endpoint_auth_method"}
	if have := slices.Sorted(maps.Keys(members(t, got))); !slices.Equal(have, want) {
		t.Errorf("got members %q, want %q", have, want)
	}
}

// A client cannot say what the server decides, and what is unknown is neither an error nor echoed
// (RG-02, W10).
func TestUnknownMembersAreDropped(t *testing.T) {
	t.Parallel()
	body := `{"redirect_uris":["https://a.test/cb"],"client_id":"mine","client_secret":"mine","client_secret_expires_at":0,"trusted":true,
		"operator":true,"resource_server":true,"registration_access_token":"mine","registration_client_uri":"https://a.test/",
		"client_id_issued_at":1,"resource":"https://a.test/","software_statement":"e30.e30.","jwks_uri":"http://169.254.169.254/",
		"client_name#fr":"\u202e","x":{"y":[null]}}`
	got, err := decode(t, body).Registered(testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"grant_types", "redirect_uris", "response_types", "scope", "token_endpoint_auth_method"}
	if have := slices.Sorted(maps.Keys(members(t, got))); !slices.Equal(have, want) {
		t.Errorf("got members %q, want %q", have, want)
	}
}

// What cannot be registered is refused with the error of RFC 7591 §3.2.2 that fits (C1, C7, F1,
// REG-05, REG-10, REG-21, RG-03, RG-04, RG-08, RU-19, RU-22, TE-06).
func TestRegistrationIsRefused(t *testing.T) {
	t.Parallel()
	const rest = `,"redirect_uris":["https://a.test/cb"]}`
	var tooMany strings.Builder
	for range MaxRedirectURIs + 1 {
		tooMany.WriteString(`"https://a.test/cb",`)
	}
	for _, row := range []struct {
		name, body string
		want       ErrorCode
	}{
		{"no redirect URI", `{}`, InvalidRedirectURI},
		{"null", `{"redirect_uris":null}`, InvalidRedirectURI},
		{"none in the list", `{"redirect_uris":[]}`, InvalidRedirectURI},
		{"null in the list", `{"redirect_uris":["https://a.test/cb",null]}`, InvalidRedirectURI},
		{"one bad among good", `{"redirect_uris":["https://a.test/cb","javascript://x/"]}`, InvalidRedirectURI},
		{"our callback", `{"redirect_uris":["https://auth.example.com/auth/callback"]}`, InvalidRedirectURI},
		{"eleven", `{"redirect_uris":[` + strings.TrimSuffix(tooMany.String(), ",") + `]}`, InvalidRedirectURI},
		{"long", `{"redirect_uris":["https://a.test/` + strings.Repeat("a", 2000) + `"]}`, InvalidRedirectURI},
		{"no code grant", `{"grant_types":["client_credentials"]` + rest, InvalidClientMetadata},
		{"refresh alone", `{"grant_types":["refresh_token"]` + rest, InvalidClientMetadata},
		{"implicit", `{"response_types":["token"]` + rest, InvalidClientMetadata},
		{"unknown method", `{"token_endpoint_auth_method":"tls_client_auth"` + rest, InvalidClientMetadata},
		{"method in capitals", `{"token_endpoint_auth_method":"NONE"` + rest, InvalidClientMetadata},
		{"scope characters", `{"scope":"a\"b"` + rest, InvalidClientMetadata},
		{"long name", `{"client_name":"` + strings.Repeat("é", 101) + `"` + rest, InvalidClientMetadata},
		{"line break", `{"client_name":"a\nb"` + rest, InvalidClientMetadata},
		{"NUL", `{"client_name":"a\u0000b"` + rest, InvalidClientMetadata},
		{"control of the second set", `{"client_name":"a\u0085b"` + rest, InvalidClientMetadata},
		{"right to left override", `{"client_name":"a\u202eb"` + rest, InvalidClientMetadata},
		{"isolate", `{"client_name":"a\u2066b"` + rest, InvalidClientMetadata},
		{"zero width", `{"client_name":"Cl\u200baude"` + rest, InvalidClientMetadata},
		{"word joiner", `{"client_name":"Cl\u2060aude"` + rest, InvalidClientMetadata},
		{"byte order mark", `{"client_name":"\ufeffClaude"` + rest, InvalidClientMetadata},
		{"soft hyphen", `{"client_name":"Cl\u00adaude"` + rest, InvalidClientMetadata},
		{"Hangul filler", `{"client_name":"Cl\u3164aude"` + rest, InvalidClientMetadata},
		{"grapheme joiner", `{"client_name":"Cl\u034faude"` + rest, InvalidClientMetadata},
		{"tag", `{"client_name":"a\udb40\udc41"` + rest, InvalidClientMetadata},
		{"line separator", `{"client_name":"a\u2028b"` + rest, InvalidClientMetadata},
		{"private use", `{"client_name":"a\ue000"` + rest, InvalidClientMetadata},
		{"software_id", `{"software_id":"\u202e"` + rest, InvalidClientMetadata},
		{"software_version", `{"software_version":"` + strings.Repeat("1", 101) + `"` + rest, InvalidClientMetadata},
		{"application_type", `{"application_type":"` + strings.Repeat("a", 21) + `"` + rest, InvalidClientMetadata},
		{"contact", `{"contacts":["a\nb"]` + rest, InvalidClientMetadata},
		{"many contacts", `{"contacts":["","","","","","","","","","",""]` + rest, InvalidClientMetadata},
		{"private RSA key", `{"jwks":{"keys":[{"kty":"RSA","n":"x","e":"AQAB","d":"x"}]}` + rest, InvalidClientMetadata},
		{"private EC key second", `{"jwks":{"keys":[{"kty":"EC"},{"kty":"EC","d":""}]}` + rest, InvalidClientMetadata},
		{"symmetric key", `{"jwks":{"keys":[{"kty":"oct","k":"x"}]}` + rest, InvalidClientMetadata},
		{"prime", `{"jwks":{"keys":[{"kty":"RSA","p":"x"}]}` + rest, InvalidClientMetadata},
		{"jwks is no object", `{"jwks":["x"]` + rest, InvalidClientMetadata},
		{"jwks is a string", `{"jwks":"{}"` + rest, InvalidClientMetadata},
	} {
		if _, err := decode(t, row.body).Registered(testPolicy); code(t, err) != row.want {
			t.Errorf("%s: got %v, want %s", row.name, err, row.want)
		}
	}
}

// Each of the pages a client names is an absolute https URL (RG-03).
func TestPagesAreHTTPS(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"client_uri", "logo_uri", "tos_uri", "policy_uri"} {
		for value, ok := range map[string]bool{
			"https://a.test": true, "https://a.test/x?y=z#w": true,
			"http://a.test/": false, "javascript:alert(1)": false, "data:image/png;base64,AA": false, "//a.test/x": false, "/x": false, "a.test": false,
			"https:///x": false, "https:a.test": false, "https://u:p@a.test/": false, "https://a.test/\n": false, "https://a.test/\u202e": false,
			"https://a.test/\" onload=x": false, "https://a.test/<b>": false, "https://a.test\\@b.test/": false, "https://a.test/" + strings.Repeat("a", 2000): false,
		} {
			body, err := json.Marshal(map[string]any{"redirect_uris": []string{"https://a.test/cb"}, member: value})
			if err != nil {
				t.Fatal(err)
			}
			_, err = decode(t, string(body)).Registered(testPolicy)
			if want := map[bool]ErrorCode{true: "", false: InvalidClientMetadata}[ok]; code(t, err) != want {
				t.Errorf("%s %q: got %v, want %q", member, value, err, want)
			}
			if err != nil && !strings.Contains(err.Error(), member) {
				t.Errorf("%q does not name %s", err, member)
			}
		}
	}
}

// A public key set is no reason to refuse, and is not kept (RG-08).
func TestPublicKeysAreNotKept(t *testing.T) {
	t.Parallel()
	got, err := decode(t, `{"redirect_uris":["https://a.test/cb"],"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}}`).Registered(testPolicy)
	if err != nil || got.JWKS != nil {
		t.Errorf("got %s, %v; want none", got.JWKS, err)
	}
}

// What is registered can be registered again unchanged (RFC 7592: a client sends back
// what it was given), matches its own redirect URIs, and has no hidden characters.
func FuzzClientMetadata(f *testing.F) {
	files, err := filepath.Glob("testdata/registrations/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"redirect_uris":["https://a.test/cb"],"jwks":{"keys":[{"D":1}]},"client_name":"\ud800","contacts":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var asked ClientMetadata
		if json.Unmarshal(body, &asked) != nil {
			return
		}
		got, err := asked.Registered(testPolicy)
		if err != nil {
			if c := code(t, err); c != InvalidRedirectURI && c != InvalidClientMetadata {
				t.Fatalf("got %v, want a code of RFC 7591 section 3.2.2", err)
			}
			return
		}
		first, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(t, string(first)).Registered(testPolicy)
		if err != nil {
			t.Fatalf("%s is registered and refused when sent back: %v", first, err)
		}
		if second, _ := json.Marshal(again); string(second) != string(first) {
			t.Fatalf("%s is registered, sent back it becomes %s", first, second)
		}
		for _, uri := range got.RedirectURIs {
			if _, err := testPolicy.Match(got.RedirectURIs, uri); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Contains(got.GrantTypes, GrantAuthorizationCode) || !slices.Contains(SupportedAuthMethods(), got.TokenEndpointAuthMethod) ||
			got.Scope == "" || utf8.RuneCountInString(got.ClientName) > 100 || strings.Contains(string(first), "null") && !strings.Contains(string(body), "null") {
			t.Fatalf("registered %s", first)
		}
	})
}

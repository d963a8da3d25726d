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
	files, err := filepath.Glob("../../functions/register/testdata/registrations/*.json")
	if err != nil || len(files) < 22 {
		t.Fatalf("got %d files, %v; want 22", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		asked := decode(t, string(body))
		got, err := asked.Accepted(testPolicy)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !slices.Equal(got.RedirectURIs, asked.RedirectURIs) || got.ClientName != asked.ClientName ||
			got.TokenEndpointAuthMethod != asked.TokenEndpointAuthMethod {
			t.Errorf("%s: registered %+v, asked for %+v", file, got, asked)
		}
		if !slices.Equal(got.GrantTypes, SupportedGrantTypes()) ||
			!slices.Equal(got.ResponseTypes, []string{"code"}) || got.Scope != "mcp" {
			t.Errorf("%s: got grants %q, responses %q, scope %q", file, got.GrantTypes, got.ResponseTypes, got.Scope)
		}
	}
}

// What a client leaves out is filled in, what is not known here is left out, and the answer says
// what is registered (B11, F2, F3, F5, F6, F11, F12, I2, W10, REG-06, REG-09, REG-13, RG-04).
func TestDefaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, body, member, want string }{
		{"default of the RFC", `{"redirect_uris":["https://a.test/cb"]}`,
			"token_endpoint_auth_method", `"client_secret_basic"`},
		{"loopback is public", `{"redirect_uris":["http://127.0.0.1/cb"]}`, "token_endpoint_auth_method", `"none"`},
		{"one of several is loopback", `{"redirect_uris":["https://a.test/cb","http://localhost:1/cb"]}`,
			"token_endpoint_auth_method", `"none"`},
		{"private scheme is public", `{"redirect_uris":["cursor://x/cb"]}`, "token_endpoint_auth_method", `"none"`},
		{"none is answered with none", `{"redirect_uris":["https://a.test/cb"],"token_endpoint_auth_method":"none"}`,
			"token_endpoint_auth_method", `"none"`},
		{"post is answered with post",
			`{"redirect_uris":["http://localhost/cb"],"token_endpoint_auth_method":"client_secret_post"}`,
			"token_endpoint_auth_method", `"client_secret_post"`},
		{"grant types", `{"redirect_uris":["https://a.test/cb"]}`,
			"grant_types", `["authorization_code","refresh_token"]`},
		{"unknown grant types",
			`{"redirect_uris":["https://a.test/cb"],` +
				`"grant_types":["urn:ietf:params:oauth:grant-type:device_code","authorization_code"]}`,
			"grant_types", `["authorization_code"]`},
		{"response types", `{"redirect_uris":["https://a.test/cb"],"response_types":["token","code"]}`,
			"response_types", `["code"]`},
		{"no scope", `{"redirect_uris":["https://a.test/cb"]}`, "scope", `"mcp"`},
		{"empty scope", `{"redirect_uris":["https://a.test/cb"],"scope":""}`, "scope", `"mcp"`},
		{"foreign scopes", `{"redirect_uris":["https://a.test/cb"],"scope":"claudeai openid email"}`, "scope", `"mcp"`},
		{"a list of scopes", `{"redirect_uris":["https://a.test/cb"],"scope":["openid","mcp"]}`, "scope", `"mcp"`},
		{"a scope that is not one", `{"redirect_uris":["https://a.test/cb"],"scope":"a\"b"}`, "scope", `"mcp"`},
		{"nulls in lists", `{"redirect_uris":[null,"https://a.test/cb"],"grant_types":[null],"response_types":[null]}`,
			"grant_types", `["authorization_code","refresh_token"]`},
		{"a bad redirect URI among good ones",
			`{"redirect_uris":["javascript://x/","https://a.test/cb","http://a.test/cb","a-b:/cb"]}`,
			"redirect_uris", `["https://a.test/cb","a-b:/cb"]`},
		{"a query is kept", `{"redirect_uris":["https://a.test/cb?t=a%20b"]}`,
			"redirect_uris", `["https://a.test/cb?t=a%20b"]`},
	} {
		got, err := decode(t, row.body).Accepted(testPolicy)
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
	body := `{"redirect_uris":["https://a.test/cb"],"contacts":null,"client_uri":"","logo_uri":null,
		"tos_uri":"","policy_uri":null,"client_name":null,"scope":null,"grant_types":null,
		"response_types":[],"software_id":"","software_version":null,"jwks":null,
		"application_type":"","token_endpoint_auth_method":null}`
	got, err := decode(t, body).Accepted(testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"grant_types", "redirect_uris", "response_types", "scope", "token_endpoint_auth_method"}
	if have := slices.Sorted(maps.Keys(members(t, got))); !slices.Equal(have, want) {
		t.Errorf("got members %q, want %q", have, want)
	}
}

// A client cannot say what the server decides, and what is neither used nor shown is neither an error,
// whatever its form, nor echoed (RG-02, RG-08, RG-13, REG-11, REG-21, F11, W10).
func TestMembersThatAreNotUsedAreDropped(t *testing.T) {
	t.Parallel()
	body := `{"redirect_uris":["https://a.test/cb"],"client_id":"mine","client_secret":"mine",
		"client_secret_expires_at":0,"trusted":true,"operator":true,"resource_server":true,
		"registration_access_token":"mine","registration_client_uri":"https://a.test/",
		"client_id_issued_at":1,"resource":"https://a.test/","software_statement":"e30.e30.",
		"jwks_uri":"http://169.254.169.254/",
		"client_name#fr":"\u202e","x":{"y":[null]},
		"client_uri":"javascript:alert(1)","logo_uri":7,"tos_uri":["x"],"policy_uri":"\u202e",
		"contacts":"me","software_id":{},
		"software_version":1.5,"application_type":"web","jwks":{"keys":[{"kty":"EC","d":"x"}]}}`
	got, err := decode(t, body).Accepted(testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"grant_types", "redirect_uris", "response_types", "scope", "token_endpoint_auth_method"}
	if have := slices.Sorted(maps.Keys(members(t, got))); !slices.Equal(have, want) {
		t.Errorf("got members %q, want %q", have, want)
	}
}

// What cannot be registered is refused with the error of RFC 7591 §3.2.2 that fits (C7, F1,
// REG-05, REG-10, RG-04, RU-19, RU-22, TE-06).
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
		{"null in the list", `{"redirect_uris":[null]}`, InvalidRedirectURI},
		{"none good", `{"redirect_uris":["http://a.test/cb","javascript://x/"]}`, InvalidRedirectURI},
		{"our callback", `{"redirect_uris":["https://auth.example.com/auth/callback"]}`, InvalidRedirectURI},
		{"twenty-one", `{"redirect_uris":[` + strings.TrimSuffix(tooMany.String(), ",") + `]}`, InvalidRedirectURI},
		{"long", `{"redirect_uris":["https://a.test/` + strings.Repeat("a", 2000) + `"]}`, InvalidRedirectURI},
		{"no code grant", `{"grant_types":["client_credentials"]` + rest, InvalidClientMetadata},
		{"refresh alone", `{"grant_types":["refresh_token"]` + rest, InvalidClientMetadata},
		{"implicit", `{"response_types":["token"]` + rest, InvalidClientMetadata},
		{"unknown method", `{"token_endpoint_auth_method":"tls_client_auth"` + rest, InvalidClientMetadata},
		{"method in capitals", `{"token_endpoint_auth_method":"NONE"` + rest, InvalidClientMetadata},
	} {
		if _, err := decode(t, row.body).Accepted(testPolicy); code(t, err) != row.want {
			t.Errorf("%s: got %v, want %s", row.name, err, row.want)
		}
	}
}

// Of several redirect URIs that are all refused, the first one says what to change (C1).
func TestTheFirstRedirectURISaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := decode(t, `{"redirect_uris":["http://a.test/cb","https://a.test/#"]}`).Accepted(testPolicy)
	if err == nil || !strings.Contains(err.Error(), "use https") {
		t.Errorf("got %v, want the reason of the first", err)
	}
}

// A name is shown in one line, without what could dress it up as another, and no name is a reason to
// turn a client away (RG-03, WB-03).
func TestNamesAreCleaned(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Claude":                           "Claude",
		" Claude\u00a0 Code ":              "Claude Code",
		"a\nb\r\n\tc\u0085d\u2028e\u2029f": "a b c d e f",
		"a\x00b\x7fc\u009bd":               "abcd",
		"\u202eelgooG\u202c":               "elgooG",
		"a\u2066b\u2069\u200e\u200f\u061c": "ab",
		"Cl\u200baude\u2060\ufeff":         "Claude",
		"soft\u00adhyphen":                 "softhyphen",
		"می\u200cخواهم":                    "میخواهم",
		"👩\u200d💻 Coder ❤\ufe0f":           "👩💻 Coder ❤\ufe0f",
		"Cl\u3164aude\u034f":               "Claude",
		"tag\U000e0041":                    "tag",
		"private\ue000":                    "private",
		"\u200b\u200d":                     "",
		"\u2800\u2800":                     "",
		"a\u0301\u0302\u0303\u200d\u0304\u0305\u0306b\u0301": "a\u0301\u0302\u0303\u0304b\u0301",
		"<b>&amp; 'quotes'</b>":                              "<b>&amp; 'quotes'</b>",
		strings.Repeat("é", 100):                             strings.Repeat("é", 100),
		strings.Repeat("é", 200):                             strings.Repeat("é", 99) + "…",
		strings.Repeat("ab ", 80):                            strings.TrimSpace(strings.Repeat("ab ", 33)) + "…",
	} {
		m := ClientMetadata{RedirectURIs: []string{"https://a.test/cb"}, ClientName: name}
		got, err := m.Accepted(testPolicy)
		if err != nil || got.ClientName != want {
			t.Errorf("%q: got %q, %v; want %q", name, got.ClientName, err, want)
		}
		if again, _ := got.Accepted(testPolicy); again.ClientName != want {
			t.Errorf("%q: got %q the second time, want %q", name, again.ClientName, want)
		}
	}
}

// Members that are used have their types.
func TestScopeIsTextOrAListOfTexts(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"scope":"a b"}`: true, `{"scope":["a","b"]}`: true, `{"scope":[]}`: true, `{"scope":null}`: true,
		`{"scope":1}`: false, `{"scope":{}}`: false, `{"scope":[1]}`: false, `{"scope":true}`: false,
	} {
		var m ClientMetadata
		if err := json.Unmarshal([]byte(body), &m); (err == nil) != ok {
			t.Errorf("%s: got %v, want it read: %t", body, err, ok)
		}
	}
}

// What is registered can be registered again unchanged (RFC 7592: a client sends back
// what it was given), matches its own redirect URIs, and has no hidden characters.
func FuzzClientMetadata(f *testing.F) {
	files, err := filepath.Glob("../../functions/register/testdata/registrations/*.json")
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
	f.Add([]byte(`{"redirect_uris":["https://a.test/cb"],` +
		`"jwks":{"keys":[{"D":1}]},"client_name":"\ud800","contacts":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var asked ClientMetadata
		if json.Unmarshal(body, &asked) != nil {
			return
		}
		got, err := asked.Accepted(testPolicy)
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
		again, err := decode(t, string(first)).Accepted(testPolicy)
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
		ours := slices.Contains(got.GrantTypes, GrantAuthorizationCode) &&
			slices.Contains(SupportedAuthMethods(), got.TokenEndpointAuthMethod)
		madeNull := strings.Contains(string(first), "null") && !strings.Contains(string(body), "null")
		if !ours || got.Scope == "" || utf8.RuneCountInString(got.ClientName) > 100 || madeNull {
			t.Fatalf("registered %s", first)
		}
	})
}

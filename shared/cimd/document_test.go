package cimd

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/oauth"
)

// A sample is a document of the shape that a real client publishes.
type sample struct {
	URL      string
	Document json.RawMessage
}

func samples(tb testing.TB) map[string]sample {
	tb.Helper()
	all := map[string]sample{}
	files, err := filepath.Glob("testdata/documents/*.json")
	if err != nil || len(files) < 10 {
		tb.Fatalf("got %d documents, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var s sample
		if err := json.Unmarshal(data, &s); err != nil {
			tb.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = s
	}
	return all
}

// Every shape of document that clients publish describes a public client with our scope and grants (F12, G1, G7).
func TestRealDocumentsDescribeClients(t *testing.T) {
	t.Parallel()
	for name, s := range samples(t) {
		d, err := parse(parseID(t, s.URL, production), s.Document)
		if err != nil {
			t.Errorf("%s: got %v, want a client", name, err)
			continue
		}
		m := d.Metadata
		if m.TokenEndpointAuthMethod != oauth.AuthMethodNone || m.Scope != "mcp" || m.ClientName == "" ||
			!slices.Equal(m.GrantTypes, oauth.SupportedGrantTypes()) || len(d.Digest) != 43 {
			t.Errorf("%s: got %+v", name, m)
		}
	}
}

// Addresses without a port are matched by requests with one (CIM-21, AUZ-05).
func TestPortFreeLoopbackAddressesMatch(t *testing.T) {
	t.Parallel()
	s := samples(t)["claude-code"]
	d, err := parse(parseID(t, s.URL, production), s.Document)
	if err != nil {
		t.Fatal(err)
	}
	p := oauth.RedirectPolicy{Issuer: production}
	for uri, want := range map[string]bool{
		"http://localhost:51234/callback": true, "http://127.0.0.1:51234/callback": true,
		"http://127.0.0.1/callback": true, "http://localhost:51234/other": false,
		"http://[::1]:51234/callback": false, "https://localhost:51234/callback": false,
	} {
		if _, err := p.Match(d.Metadata.RedirectURIs, uri); (err == nil) != want {
			t.Errorf("%s: got %v, want match %t", uri, err, want)
		}
	}
}

// Members of a document that is right, to be changed.
func rightDocument() map[string]any {
	return map[string]any{
		"client_id": "https://a.example.com/client.json", "client_name": "A",
		"redirect_uris": []string{"https://a.example.com/cb"},
	}
}

// What is wrong with a document is said, and whose it is (CIM-06, WB-06).
func TestWrongDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	id := parseID(t, "https://a.example.com/client.json", production)
	for name, change := range map[string]map[string]any{
		"other id":             {"client_id": "https://b.example.com/client.json"},
		"id with slash":        {"client_id": "https://a.example.com/client.json/"},
		"id in other case":     {"client_id": "https://A.example.com/client.json"},
		"no id":                {"client_id": nil},
		"id of another type":   {"client_id": []string{"https://a.example.com/client.json"}},
		"no name":              {"client_name": nil},
		"blank name":           {"client_name": " "},
		"invisible name":       {"client_name": "\u200b"},
		"name of another type": {"client_name": 7},
		"no redirect":          {"redirect_uris": nil},
		"empty redirects":      {"redirect_uris": []string{}},
		"javascript":           {"redirect_uris": []string{"javascript:alert(1)"}},
		"http":                 {"redirect_uris": []string{"http://a.example.com/cb"}},
		"our callback":         {"redirect_uris": []string{production + "/auth/callback"}},
		"wildcard":             {"redirect_uris": []string{"https://*.example.com/cb"}},
		"one text":             {"redirect_uris": "https://a.example.com/cb"},
		"secret":               {"client_secret": "s"},
		"secret expiry":        {"client_secret_expires_at": 0},
		"secret in other case": {"Client_Secret": "s"},
		"basic":                {"token_endpoint_auth_method": "client_secret_basic"},
		"post":                 {"token_endpoint_auth_method": "client_secret_post"},
		"secret jwt":           {"token_endpoint_auth_method": "client_secret_jwt"},
		"basic with none": {
			"token_endpoint_auth_method":            "client_secret_basic",
			"token_endpoint_auth_methods_supported": []string{"none"},
		},
		"private key alone":    {"token_endpoint_auth_method": "private_key_jwt"},
		"list without none":    {"token_endpoint_auth_methods_supported": []string{"private_key_jwt"}},
		"tls":                  {"token_endpoint_auth_method": "tls_client_auth"},
		"no code grant":        {"grant_types": []string{"client_credentials"}},
		"token response":       {"response_types": []string{"token"}},
		"member in other case": {"Redirect_URIs": []string{"https://evil.example.com/"}},
	} {
		m := rightDocument()
		for k, v := range change {
			if m[k] = v; v == nil {
				delete(m, k)
			}
		}
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := parse(id, body); kind(t, err) != Malformed || !strings.Contains(err.Error(), "a.example.com") {
			t.Errorf("%s: got %+v, %v, want it refused with the host", name, d, err)
		}
	}
	right, err := json.Marshal(rightDocument())
	if err != nil {
		t.Fatal(err)
	}
	text := string(right)
	for name, body := range map[string]string{ // not one meaning
		"empty": "", "array": "[" + text + "]", "null": "null", "text": `"x"`, "twice": text + text,
		"repeated member": text[:len(text)-1] + `,"client_name":"B"}`, "page": "<!DOCTYPE html>",
		"BOM": "\ufeff" + text, "not UTF-8": strings.Replace(text, `"A"`, "\"\xff\"", 1),
		"lone surrogate": strings.Replace(text, `"A"`, `"\ud800"`, 1),
		"deep":           text[:len(text)-1] + `,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}",
		"cut":            text[:len(text)-1],
	} {
		if d, err := parse(id, []byte(body)); kind(t, err) != Malformed {
			t.Errorf("%s: got %+v, %v, want it refused", name, d, err)
		}
	}
}

// What a document says beside what is used is not looked at, as in a registration (F11, RG-08).
func TestMembersThatAreNotUsedStopNoDocument(t *testing.T) {
	t.Parallel()
	m := rightDocument()
	maps.Copy(m, map[string]any{
		"client_uri": "http://a.example.com", "logo_uri": 7, "tos_uri": []string{}, "policy_uri": nil,
		"contacts": "me", "software_id": 1, "software_version": 2.5, "application_type": "web",
		"scope": []string{"mcp"}, "jwks": map[string]any{"keys": []any{map[string]any{"d": "x"}}}, "jwks_uri": "x",
		"client_name":   strings.Repeat("👩\u200d💻", 80),
		"redirect_uris": []string{"http://localhost/cb", "http://a.example.com/cb", "app://cb"},
	})
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(parseID(t, "https://a.example.com/client.json", production), body)
	if want := []string{"http://localhost/cb", "app://cb"}; err != nil || !slices.Equal(d.Metadata.RedirectURIs, want) {
		t.Errorf("got %+v, %v; want redirects %v", d.Metadata, err, want)
	}
}

// What does not concern us in a document stops nobody: one address that we forbid
// among others, members we do not use.
func TestDocumentsForAllServersAreTakenAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	s := samples(t)["goose"]
	d, err := parse(parseID(t, s.URL, production), s.Document)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"http://127.0.0.1/oauth_callback", "http://localhost/oauth_callback"}
	if !slices.Equal(d.Metadata.RedirectURIs, want) {
		t.Errorf("got %+v, want redirects %v", d.Metadata, want)
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(string(s.Document))
	}
	f.Add(`{"client_id":"https://claude.ai/oauth/claude-code-client-metadata","client_name":"x",` +
		`"redirect_uris":["a.b:/c"],"token_endpoint_auth_methods_supported":["none"]}`)
	f.Fuzz(func(t *testing.T, body string) {
		id := parseID(t, "https://claude.ai/oauth/claude-code-client-metadata", production)
		d, err := parse(id, []byte(body))
		if err != nil {
			kind(t, err)
			return
		}
		m, p := d.Metadata, oauth.RedirectPolicy{Issuer: production}
		for _, uri := range m.RedirectURIs {
			if err := p.Check(uri); err != nil {
				t.Errorf("got %q past the policy: %v", uri, err)
			}
		}
		if !strings.Contains(body, id.String()) && !strings.Contains(body, `\`) {
			t.Error("a document without the id was taken")
		}
		again, err := m.Accepted(p)
		if err != nil || !slices.Equal(again.RedirectURIs, m.RedirectURIs) || again.ClientName != m.ClientName ||
			m.TokenEndpointAuthMethod != oauth.AuthMethodNone {
			t.Errorf("got %+v, %v the second time, want %+v", again, err, m)
		}
	})
}

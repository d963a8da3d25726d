package oauth

import (
	"encoding/json"
	"slices"
	"testing"
)

func members(t *testing.T, document any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// A member is there with a value or not at all (E11, ASM-15).
func TestMetadataHasNoEmptyMembers(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]any{
		"server": NewServerMetadata(testIssuer, Resources{}), "resource": Resources{}.All()[0].Metadata(testIssuer),
	} {
		for member, value := range members(t, document) {
			switch v := value.(type) {
			case string:
				if v == "" {
					t.Errorf("%s: %s is empty", name, member)
				}
			case []any:
				if len(v) == 0 || slices.ContainsFunc(v, func(e any) bool { return e == nil || e == "" }) {
					t.Errorf("%s: %s is %v", name, member, v)
				}
			case bool:
				if !v {
					t.Errorf("%s: %s is false", name, member)
				}
			default:
				t.Errorf("%s: %s is %v", name, member, value)
			}
		}
	}
}

// There is one public URL, and every other one is made of it (D9). Clients that skip discovery
// assume the three paths at its root (E2).
func TestServerMetadata(t *testing.T) {
	t.Parallel()
	got := members(t, NewServerMetadata(testIssuer, Resources{}))
	for _, row := range []struct {
		name, member string
		want         any
	}{
		{"ASM-05, D6", "issuer", testIssuer},
		{"ASM-06, E2", "authorization_endpoint", testIssuer + "/authorize"},
		{"ASM-06, E2", "token_endpoint", testIssuer + "/token"},
		{"ASM-06", "response_types_supported", []any{"code"}},
		{"ASM-07, E13", "code_challenge_methods_supported", []any{"S256"}},
		{"ASM-08, E2", "registration_endpoint", testIssuer + "/register"},
		{"ASM-09, G8", "client_id_metadata_document_supported", true},
		{"ASM-10, D7", "authorization_response_iss_parameter_supported", true},
		{"ASM-11", "token_endpoint_auth_methods_supported", []any{"none", "client_secret_basic", "client_secret_post"}},
		{"W15 goes with private_key_jwt, which is not there", "token_endpoint_auth_signing_alg_values_supported", nil},
		{"ASM-12", "grant_types_supported", []any{"authorization_code", "refresh_token"}},
		{"ASM-12", "response_modes_supported", []any{"query"}},
		{"ASM-13, B10", "scopes_supported", []any{"mcp", "offline_access"}},
		{"ASM-14", "revocation_endpoint", testIssuer + "/revoke"},
		{"ASM-14", "revocation_endpoint_auth_methods_supported",
			[]any{"none", "client_secret_basic", "client_secret_post"}},
		{"ASM-14", "introspection_endpoint", testIssuer + "/introspect"},
		{"ASM-14, RT-14 a public client cannot introspect",
			"introspection_endpoint_auth_methods_supported", []any{"client_secret_basic", "client_secret_post"}},
		{"ASM-16, ASM-17, E12", "jwks_uri", testIssuer + "/.well-known/jwks.json"},
		{"ASM-17, E12", "subject_types_supported", []any{"public"}},
		{"ASM-17, E12", "id_token_signing_alg_values_supported", []any{"ES256"}},
		{"ASM-21", "protected_resources", []any{testIssuer + "/mcp"}},
	} {
		if !equalJSON(t, got[row.member], row.want) {
			t.Errorf("%s: %s is %v, want %v", row.name, row.member, got[row.member], row.want)
		}
	}
}

func TestResourceMetadata(t *testing.T) {
	t.Parallel()
	got := members(t, Resources{}.All()[0].Metadata(testIssuer))
	for _, row := range []struct {
		name, member string
		want         any
	}{
		{"PRM-02, D6", "authorization_servers", []any{testIssuer}},
		{"PRM-03, PRM-04, PRM-05, D2", "resource", testIssuer + "/mcp"},
		{"PRM-11, PRM-12, J1", "scopes_supported", []any{"mcp"}},
		{"PRM-13", "bearer_methods_supported", []any{"header"}},
	} {
		if !equalJSON(t, got[row.member], row.want) {
			t.Errorf("%s: %s is %v, want %v", row.name, row.member, got[row.member], row.want)
		}
	}
	if name, _ := got["resource_name"].(string); name == "" {
		t.Error("PRM-13: resource_name is missing")
	}
	for _, r := range several().All() {
		want := "/.well-known/oauth-protected-resource" + r.Path
		if got := r.MetadataPath(); got != want {
			t.Errorf("PRM-06: got %q, want %q", got, want)
		}
	}
}

// What is advertised is accepted, and the tables handed out are the caller's own.
func TestAdvertisedIsEnforced(t *testing.T) {
	t.Parallel()
	m := NewServerMetadata(testIssuer, Resources{})
	for _, method := range m.TokenEndpointAuthMethodsSupported {
		in := ClientMetadata{
			RedirectURIs: []string{"https://example.net/cb"}, TokenEndpointAuthMethod: method,
			GrantTypes: m.GrantTypesSupported, ResponseTypes: m.ResponseTypesSupported,
		}
		out, err := in.Accepted(testPolicy)
		if err != nil || out.TokenEndpointAuthMethod != method || !slices.Equal(out.GrantTypes, m.GrantTypesSupported) {
			t.Errorf("%s: got %+v, %v", method, out, err)
		}
	}
	for _, method := range m.CodeChallengeMethodsSupported {
		if _, err := ParseChallenge(vectorChallenge, method); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	m.ScopesSupported[0], m.GrantTypesSupported[0] = "changed", "changed"
	again := NewServerMetadata(testIssuer, Resources{})
	if again.ScopesSupported[0] != "mcp" || again.GrantTypesSupported[0] != GrantAuthorizationCode {
		t.Error("changing one document changed the next")
	}
}

func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return string(x) == string(y)
}

package parts_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
)

// The words of IDENTITY_PROVIDER are the products of the table, so that none is known to one and not the other.
func TestEveryProductHasItsWord(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(config.Settings, func(s config.Setting) bool { return s.Name == "IDENTITY_PROVIDER" })
	var words []string
	for _, w := range config.Settings[i].Words {
		if _, product, ok := strings.Cut(w, ":"); ok {
			words = append(words, product)
		}
	}
	if !slices.Equal(words, issuer.PresetNames()) {
		t.Errorf("got words %v, want %v", words, issuer.PresetNames())
	}
}

// An OpenID Connect provider is made of its settings; what is wrong with them is said with all else.
func TestProviderOfSettings(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		values map[string]string
		want   string
	}{
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "ALLOW": "claim:hd=example.com"}, ""},
		{map[string]string{"IDENTITY_PROVIDER": "oidc", "OIDC_ISSUER": "https://id.example.com/realms/a"}, ""},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:auth0", "OIDC_ISSUER": "https://a.eu.auth0.com/"}, ""},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "ALLOW": "group:ops"}, "no groups: write claim:hd="},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "ALLOW": "org:acme,user:a"}, "group:acme"},
		{map[string]string{"IDENTITY_PROVIDER": "oidc"}, "OIDC_ISSUER is not set"},
		{map[string]string{"IDENTITY_PROVIDER": "oidc", "OIDC_ISSUER": "http://id.example.com"}, "OIDC_ISSUER is"},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "OIDC_TITLE": "a\u202eb"}, "OIDC_TITLE is"},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "OIDC_GROUPS_CLAIM": "a b"}, "OIDC_GROUPS_CLAIM is"},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "OIDC_SCOPES": "a\u00e9"}, "OIDC_SCOPES is"},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "OIDC_TENANTS": "acme"}, "OIDC_TENANTS is"},
		{map[string]string{"IDENTITY_PROVIDER": "oidc:google", "OIDC_CLIENT_AUTH": "private_key_jwt"},
			"OIDC_CLIENT_KEY_FILE as well"},
	} {
		values := map[string]string{"ALLOW": "anyone", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET_FILE": secret}
		maps.Copy(values, row.values)
		env := &boot.Env{Lookup: config.Map(values), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		r := env.Settings()
		var got issuer.Config
		p, _ := parts.Provider(env, r, parts.WithoutSecret, func(c issuer.Config) (upstream.Provider, error) {
			got = c
			return issuer.Open(c)
		}, upstream.Groups{})
		err := r.Err()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v: got %v, want %q", row.values, err, row.want)
		}
		if err != nil {
			continue
		}
		if s, err := got.Secret(context.Background()); err != nil || s.Reveal() != "s3cret" || p.Name() != "oidc" {
			t.Errorf("%v: got secret error %v and provider %s", row.values, err, p.Name())
		}
	}
}

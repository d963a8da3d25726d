package config_test

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/config"
)

func read(values map[string]string) *config.Reader { return config.Read(config.Map(values)) }

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	r := read(map[string]string{"CODE_TTL": "10h"})
	r.String("STORE")
	r.Duration("CODE_TTL")
	r.Duration("CODE_TTL")
	want := `configuration has 2 problems:
  STORE is not set: want ` + "embedded:DIRECTORY, firestore:PROJECT, firestore:PROJECT/DATABASE or " +
		`postgres://USER@HOST/DATABASE?sslmode=verify-full, like firestore:my-project
  CODE_TTL is "10h": want a duration from 1s to 10m0s, or unset for 1m0s`
	if err := r.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestOneProblemIsSingular(t *testing.T) {
	t.Parallel()
	r := read(nil)
	r.String("ALLOW")
	want := "configuration has 1 problem:\n  ALLOW is not set: want who may enter"
	if err := r.Err(); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// An access token lives an hour, and a revoked one is refused within half a minute (AT-14, W8).
func TestUnsetSettingsHaveTheDocumentedDefaults(t *testing.T) {
	t.Parallel()
	r := read(map[string]string{"GRANT_TTL": ""})
	for name, want := range map[string]time.Duration{
		"ACCESS_TOKEN_TTL": time.Hour, "GRANT_TTL": 2160 * time.Hour, "CODE_TTL": time.Minute,
		"SIGN_IN_TTL": 10 * time.Minute, "REFRESH_GRACE": 2 * time.Minute, "REVOCATION_MAX_AGE": 30 * time.Second,
		"MEMBERSHIP_TTL":   time.Hour,
		"EVIDENCE_MAX_AGE": 168 * time.Hour, "CLIENT_UNUSED_TTL": 168 * time.Hour, "KEYS_MAX_AGE": 5 * time.Minute,
	} {
		if got := r.Duration(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := r.URL("GITHUB_URL").String(); got != "https://github.com" {
		t.Errorf("GITHUB_URL: got %s", got)
	}
	if r.Bool("TRUST_FORWARDED_AUTHORIZATION") || r.Int("FORWARDED_FOR_HOPS") != 0 ||
		r.Enum("LOG_LEVEL") != "info" || r.String("GOOGLE_CLOUD_PROJECT") != "" {
		t.Error("a default is not as documented")
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestDurationsKeepTheirLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		want        time.Duration
		ok          bool
	}{
		{"CODE_TTL", "1s", time.Second, true},
		{"CODE_TTL", "10m", 10 * time.Minute, true},
		{"CODE_TTL", "999ms", 0, false},
		{"CODE_TTL", "10m1s", 0, false},
		{"CODE_TTL", "0", 0, false},
		{"CODE_TTL", "60", 0, false},
		{"CODE_TTL", "-1s", 0, false},
		{"ACCESS_TOKEN_TTL", "15m", 15 * time.Minute, true},
		{"ACCESS_TOKEN_TTL", "24h", 24 * time.Hour, true}, // B14: for clients that never refresh
		{"ACCESS_TOKEN_TTL", "24h1s", 0, false},
		{"KEYS_MAX_AGE", "1s", time.Second, true},
		{"KEYS_MAX_AGE", "1h", time.Hour, true},
		{"KEYS_MAX_AGE", "0", 0, false},
		{"KEYS_MAX_AGE", "1h1s", 0, false},
		{"REFRESH_GRACE", "0", 0, true},
		{"REFRESH_GRACE", "0s", 0, true},
		{"REFRESH_GRACE", "10ms", 0, false},
	} {
		r := read(map[string]string{c.name: c.value})
		if got := r.Duration(c.name); got != c.want || (r.Err() == nil) != c.ok {
			t.Errorf("%s=%s: got %s, %v; want %s, ok %t", c.name, c.value, got, r.Err(), c.want, c.ok)
		}
	}
}

func TestOtherFormsRefuseWhatTheyAreNot(t *testing.T) {
	t.Parallel()
	boolean := func(r *config.Reader) { r.Bool("TRUST_FORWARDED_AUTHORIZATION") }
	hops := func(r *config.Reader) { r.Int("FORWARDED_FOR_HOPS") }
	provider := func(r *config.Reader) { r.Enum("IDENTITY_PROVIDER") }
	address := func(r *config.Reader) { r.URL("GITHUB_URL") }
	for name, c := range map[string]struct {
		value string
		read  func(*config.Reader)
	}{
		"a boolean is not a number":       {"TRUST_FORWARDED_AUTHORIZATION=1", boolean},
		"hops are not negative":           {"FORWARDED_FOR_HOPS=-1", hops},
		"hops are few":                    {"FORWARDED_FOR_HOPS=17", hops},
		"a level is one of the words":     {"LOG_LEVEL=loud", func(r *config.Reader) { r.Enum("LOG_LEVEL") }},
		"a product is one of the table":   {"IDENTITY_PROVIDER=oidc:acme", provider},
		"plain http is for loopback only": {"GITHUB_URL=http://github.example.com", address},
		"a URL ends without slash":        {"GITHUB_URL=https://github.com/", address},
		"a URL has no query":              {"GITHUB_URL=https://github.com?a=b", address},
		"a URL has a host":                {"GITHUB_URL=https:github.com", address},
	} {
		key, value, _ := strings.Cut(c.value, "=")
		r := read(map[string]string{key: value})
		if c.read(r); r.Err() == nil {
			t.Errorf("%s: %s was accepted", name, c.value)
		}
	}
	r := read(map[string]string{"GITHUB_URL": "http://127.0.0.1:8080", "GITHUB_API_URL": "http://[::1]:9/api/v3"})
	if r.URL("GITHUB_URL") == nil || r.URL("GITHUB_API_URL") == nil || r.Err() != nil {
		t.Errorf("plain http on loopback: got %v", r.Err())
	}
}

// What only we and the load balancer know is in no start-up log, however it is mistyped (LG-01).
func TestConfidentialSettingsAreNotRepeated(t *testing.T) {
	t.Parallel()
	r := read(map[string]string{"LOAD_BALANCER_PROOF": "canary"})
	config.Parse(r, "LOAD_BALANCER_PROOF", func(s string) (string, error) { return "", errors.New("bad: " + s) })
	err := r.Err()
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "32 characters") {
		t.Errorf("got %v, want a problem without the value that says what is wanted", err)
	}
}

func TestSecretsPutWhereTheyDoNotBelongAreNotRepeated(t *testing.T) {
	t.Parallel()
	r := read(map[string]string{
		"SIGNING_KEYS_FILE": `{"keys":[{"d":"canary"}]}`,
		"FERNET_KEYS_FILE":  "canary\ncanary",
		"GITHUB_URL":        "https://user:canary@github.com",
	})
	r.File("SIGNING_KEYS_FILE")
	r.File("FERNET_KEYS_FILE")
	r.URL("GITHUB_URL")
	if err := r.Err(); err == nil || strings.Contains(err.Error(), "canary") || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want three problems without the values", err)
	}
}

func TestTheTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range config.Settings {
		if seen[s.Name] || !regexp.MustCompile(`^[A-Z][A-Z_]+$`).MatchString(s.Name) || s.Doc == "" {
			t.Errorf("%s is repeated, misnamed or not explained", s.Name)
		}
		seen[s.Name] = true
		if s.Example == "" {
			t.Errorf("%s has no example", s.Name)
		}
	}
	if names := slices.Sorted(maps.Keys(seen)); len(names) < 26 {
		t.Errorf("got %d settings, want all of the design's", len(names))
	}
}

func ExampleReader() {
	r := config.Read(os.LookupEnv)
	ttl := r.Duration("CODE_TTL")
	if err := r.Err(); err != nil {
		panic(err)
	}
	_ = ttl
}

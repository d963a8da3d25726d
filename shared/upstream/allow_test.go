package upstream_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

func allow(t *testing.T, s string) upstream.Allow {
	t.Helper()
	a, err := upstream.ParseAllow(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// written returns a list in normal form, as ParseAllow reads it.
func written(a upstream.Allow) string {
	var words []string
	for _, r := range a.Rules() {
		words = append(words, r.String())
	}
	return strings.Join(words, ",")
}

func TestAllowIsReadInNormalForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"anyone":                                "anyone",
		" user:OctoCat , org:ACME,user:octocat": "user:octocat,org:acme",
		"team:Acme/Ops":                         "team:acme/ops",
		"user-id:583231":                        "user-id:583231",
		"email-domain:Example.COM":              "email-domain:example.com",
		"email-domain:bücher.example":           "email-domain:xn--bcher-kva.example",
		"user:octocat_acme":                     "user:octocat_acme",
	} {
		a := allow(t, text)
		if got := written(a); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		for r := range strings.SplitSeq(want, ",") {
			if !a.Has(r) {
				t.Errorf("%q: Has(%q) got false", text, r)
			}
		}
	}
	if a := allow(t, "user:octocat"); a.Has("user:hubot") || a.Has("anyone") || a.Has("") {
		t.Error("Has got true for a rule that is not there")
	}
}

// Nothing said, or said wrongly, means nobody, and the error says why (UP-09, RU-21).
func TestEmptyOrMalformedAllowIsAnErrorThatSaysWhy(t *testing.T) {
	t.Parallel()
	why := regexp.MustCompile(`": (want an? .+, like|without user:, )|nobody may enter|anyone admits everybody`)
	for _, text := range []string{
		"", " ", ",", "user:octocat,", "octocat", "user:",
		"user", "user:*", "users:octocat", "User:octocat", "Anyone", "*",
		"user:octo cat", "user:-x", "user:" + strings.Repeat("a", 40), "user:\u212aate", "user:#1",
		"user-id:", "user-id:0", "user-id:-1", "user-id:+1", "user-id:01", "user-id:1.0",
		"user-id:9223372036854775808", "user-id:octocat", "org:", "org:acme/ops", "org:..",
		"team:acme", "team:acme/", "team:/ops", "team:acme/..", "team:acme/ops/x", "team:acme/o%2Fps",
		"email-domain:", "email-domain:@example.com", "email-domain:a@example.com", "email-domain:*.example.com",
		"email-domain:com", "email-domain:.com",
		"email-domain:example.com.", "anyone, user:octocat", "anyone:", "anyone:yes",
	} {
		a, err := upstream.ParseAllow(text)
		if err == nil {
			t.Errorf("%q: got %q, want an error", text, a)
			continue
		}
		if !why.MatchString(err.Error()) {
			t.Errorf("%q: error got %q, want %s", text, err, why)
		}
		x := upstream.Identity{Subject: "development:x", Login: "x"}
		if rule, err := a.Check(t.Context(), &upstream.Development{}, upstream.Token{}, x); err == nil {
			t.Errorf("%q: admitted by %q, want nobody admitted", text, rule)
		}
	}
	_, err := upstream.ParseAllow("usr:a,user:ok,orgs:b")
	if err == nil || !strings.Contains(err.Error(), `"usr:a"`) || !strings.Contains(err.Error(), `"orgs:b"`) {
		t.Errorf("error got %v, want both bad entries named", err)
	}
}

func TestZeroAllowAdmitsNobody(t *testing.T) {
	t.Parallel()
	var zero upstream.Allow
	x := upstream.Identity{Subject: "development:x", Login: "x"}
	_, err := zero.Check(t.Context(), &upstream.Development{}, upstream.Token{}, x)
	wantKind(t, err, "not allowed")
}

// Rules on the id, the login and the address decide without asking anybody; an address counts by
// its whole domain (UP-08).
func TestStaticRules(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	github, development := provider(t, fake, "user:email"), &upstream.Development{}
	octocat := upstream.Identity{Subject: "github:583231", Login: "OctoCat", Email: "cat@Example.com"}
	with := func(email string) upstream.Identity { return upstream.Identity{Subject: "github:1", Email: email} }
	tests := []struct {
		name, allow string
		p           upstream.Provider
		id          upstream.Identity
		want        bool
	}{
		{"anyone", "anyone", github, octocat, true},
		{"anyone is still somebody", "anyone", github, upstream.Identity{}, false},
		{"login in another case", "user:octocat", github, octocat, true},
		{"another login", "user:octocats", github, octocat, false},
		{"Kelvin sign is not k (chapter 6)", "user:kate", github,
			upstream.Identity{Subject: "github:1", Login: "\u212aate"}, false},
		{"long s is not s (chapter 6)", "user:sam", github,
			upstream.Identity{Subject: "github:1", Login: "\u017fam"}, false},
		{"id", "user-id:583231", github, octocat, true},
		{"longer id", "user-id:5832310", github, octocat, false},
		{"id is not a login", "user-id:583231", development,
			upstream.Identity{Subject: "development:583231", Login: "583231"}, false},
		{"domain in another case", "email-domain:example.com", github, octocat, true},
		{"no address", "email-domain:example.com", github, with(""), false},
		{"domain alone", "email-domain:example.com", github, with("example.com"), false},
		{"no local part", "email-domain:example.com", github, with("@example.com"), false},
		{"two @", "email-domain:example.com", github, with("a@evil.example@example.com"), false},
		{"two @, other order", "email-domain:example.com", github, with("a@example.com@evil.example"), false},
		{"subdomain", "email-domain:example.com", github, with("a@sub.example.com"), false},
		{"suffix", "email-domain:example.com", github, with("a@notexample.com"), false},
		{"prefix", "email-domain:example.com", github, with("a@example.com.evil.example"), false},
		{"trailing dot", "email-domain:example.com", github, with("a@example.com."), false},
		{"blank", "email-domain:example.com", github, with("a@example.com "), false},
		{"IDNA on both sides", "email-domain:bücher.example", github, with("a@BÜCHER.example"), true},
		{"IDNA against punycode", "email-domain:bücher.example", github, with("a@xn--bcher-kva.example"), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule, err := allow(t, test.allow).Check(t.Context(), test.p, upstream.Token{}, test.id)
			if (err == nil) != test.want || test.want && rule == "" {
				t.Errorf("admitted by %q (%v), want admitted %v", rule, err, test.want)
			}
			if !test.want {
				wantKind(t, err, "not allowed")
			}
		})
	}
	if calls := fake.Calls(); len(calls) != 0 {
		t.Errorf("calls got %v, want none", calls)
	}
}

// The smallest scopes that answer the rules (UP-11).
func TestScopesAreTheSmallestThatAnswerTheRules(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"anyone": nil, "user:a,user-id:1": nil, "org:a": {"read:org"}, "team:a/b": {"read:org"},
		"email-domain:a.example": {"user:email"}, "email-domain:a.example,org:a": {"read:org", "user:email"},
	} {
		a := allow(t, text)
		if got := a.RequiredScopes(); !slices.Equal(got, want) {
			t.Errorf("%s: scopes got %v, want %v", text, got, want)
		}
		if got, want := a.NeedsProvider(), slices.Contains(want, "read:org"); got != want {
			t.Errorf("%s: NeedsProvider got %v, want %v", text, got, want)
		}
	}
}

func TestRulesThatTheProviderCannotAnswerAreAProblem(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	for text, words := range map[string]string{
		"anyone": "", "user:octocat": "", "org:acme": "organisations", "team:acme/ops": "teams",
		"email-domain:example.com": "e-mail", "user-id:1": "numeric",
	} {
		a := allow(t, text)
		if err := a.Fits(provider(t, fake, a.RequiredScopes()...)); err != nil {
			t.Errorf("%s at GitHub: got %v, want no problem", text, err)
		}
		err := a.Fits(&upstream.Development{})
		if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%s in development: got %v, want %q", text, err, words)
		}
	}
	if err := allow(t, "email-domain:example.com").Fits(provider(t, fake)); err == nil {
		t.Error("email rule without the scope: got no problem")
	}
}

func FuzzParseAllow(f *testing.F) {
	for _, s := range []string{"", "anyone", "user:a,org:b,team:c/d", "email-domain:bücher.example", "user-id:7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := upstream.ParseAllow(s)
		if err != nil {
			if len(a.Rules()) != 0 {
				t.Fatalf("%q: refused, and yet it has rules %v", s, a.Rules())
			}
			return
		}
		again, err := upstream.ParseAllow(written(a))
		if err != nil || written(again) != written(a) {
			t.Fatalf("%q: normal form %q reads back as %q (%v)", s, written(a), written(again), err)
		}
	})
}

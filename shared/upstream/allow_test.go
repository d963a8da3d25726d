package upstream_test

import (
	"encoding/json"
	"errors"
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
		"user:Ann.Lee@example.com":              "user:ann.lee@example.com",
		"user-id:auth0|5F":                      "user-id:auth0|5F",
		"email:Ann.Lee@Example.COM":             "email:ann.lee@example.com",
		"email-domain:*.Example.COM":            "email-domain:*.example.com",
		"group:Ops Team":                        "group:Ops Team",
		"group:/acme/*":                         "group:/acme/*",
		"group:CN=ops%2cOU=x%25":                "group:CN=ops%2COU=x%25",
		"claim:department=R&D":                  "claim:department=R&D",
		"claim:https://a.example/roles=ops=1":   "claim:https://a.example/roles=ops=1",
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
	why := regexp.MustCompile(`": (.*want .+ like|without user:, )|nobody may enter|anyone admits everybody`)
	for _, text := range []string{
		"", " ", ",", "user:octocat,", "octocat", "user:",
		"user", "user:*", "users:octocat", "User:octocat", "Anyone", "*",
		"user:octo cat", "user:-x", "user:" + strings.Repeat("a", 129), "user:\u212aate", "user:#1",
		"user-id:", "user-id:a b", "user-id:\u00e9", "user-id:" + strings.Repeat("a", 256),
		"user-id:5%", "user-id:5%2", "org:", "org:acme/ops", "org:..",
		"team:acme", "team:acme/", "team:/ops", "team:acme/..", "team:acme/ops/x", "team:acme/o%2Fps",
		"email-domain:", "email-domain:@example.com", "email-domain:a@example.com", "email-domain:*example.com",
		"email-domain:*.com", "email-domain:*.", "email-domain:a.*.example.com", "email-domain:*.*.example.com",
		"email:", "email:example.com", "email:@example.com", "email:a@b@example.com", "email:*@example.com ",
		"email:a b@example.com", "email:a@localhost", "group:", "group:/*", "group:a\x00b", "group:\xff",
		"claim:", "claim:department", "claim:=ops", "claim:department=", "claim:name=Ann", "claim:nickname=ann",
		"claim:email=a@example.com", "claim:email_verified=true", "claim:sub=5", "claim:iss=x", "claim:nonce=x",
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
		{"address", "email:cat@example.com", github, with("Cat@EXAMPLE.com"), true},
		{"another address", "email:cat@example.com", github, with("scat@example.com"), false},
		{"an address with two @", "email:cat@example.com", github, with("x@cat@example.com"), false},
		{"below a domain", "email-domain:*.example.com", github, with("a@b.c.example.com"), true},
		{"not below, but itself", "email-domain:*.example.com", github, with("a@example.com"), false},
		{"not below, but alike", "email-domain:*.example.com", github, with("a@notexample.com"), false},
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

// What a provider can never answer is said at the start, with what to write instead.
func TestRulesThatTheProviderCannotAnswerAreAProblem(t *testing.T) {
	t.Parallel()
	fake := oauthtest.StartGitHub(t, nil)
	for text, words := range map[string]struct{ github, development string }{
		"anyone": {}, "user:octocat": {}, "user:octocat_acme": {},
		"org:acme": {"", "organisations"}, "team:acme/ops": {"", "teams"},
		"email-domain:example.com": {"", "e-mail"}, "email:a@example.com": {"", "e-mail"},
		"user-id:1": {"", "numeric"}, "user-id:01": {"numbers", "numeric"}, "user-id:0": {"numbers", "numeric"},
		"user-id:9223372036854775808": {"numbers", "numeric"}, "user-id:octocat": {"numbers", "numeric"},
		"user:a.b": {"login", ""}, "user:" + strings.Repeat("a", 40): {"login", ""},
		"group:ops": {"org:acme", "names alone"}, "claim:a=b": {"org:acme", "names alone"},
	} {
		a := allow(t, text)
		for p, want := range map[upstream.Provider]string{
			provider(t, fake, a.RequiredScopes()...): words.github, &upstream.Development{}: words.development,
		} {
			err := a.Fits(p)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s at %s: got %v, want %q", text, p.Name(), err, want)
			}
		}
	}
	if err := allow(t, "email-domain:example.com").Fits(provider(t, fake)); err == nil {
		t.Error("email rule without the scope: got no problem")
	}
}

// Rules on claims and groups look at what was said, in any form in which providers list it. What was left
// out decides nothing, unless the provider says so (UP-23).
func TestRulesOnClaims(t *testing.T) {
	t.Parallel()
	person := func(json string, c upstream.Claims) upstream.Identity {
		c.Values, c.UserClaim, c.GroupClaim = decoded(t, json), "preferred_username", "groups"
		return upstream.Identity{Subject: "oidc:id.example.com#5%7C7", Login: "shown", Claims: &c}
	}
	for _, row := range []struct {
		rule, claims string
		said         upstream.Claims
		want         string
	}{
		{"group:ops", `{"groups":["dev","ops"]}`, upstream.Claims{}, "yes"},
		{"group:ops", `{"groups":"ops"}`, upstream.Claims{}, "yes"},
		{"group:ops", `{"groups":["OPS","/ops","ops2",["ops"]]}`, upstream.Claims{}, "no"},
		{"group:ops", `{"groups":[]}`, upstream.Claims{}, "no"},
		{"group:ops", `{}`, upstream.Claims{}, "unsaid"},
		{"group:ops", `{"groups":null}`, upstream.Claims{}, "unsaid"},
		{"group:ops", `{}`, upstream.Claims{AbsentIsNo: true}, "no"},
		{"group:ops", `{"groups":["ops"]}`, upstream.Claims{AbsentIsNo: true, Withheld: []string{"groups"}}, "unsaid"},
		{"group:acme/*", `{"groups":["acme/a/b"]}`, upstream.Claims{}, "yes"},
		{"group:acme/*", `{"groups":["acme","acme2/a"]}`, upstream.Claims{}, "no"},
		{"claim:department=ops", `{"department":"ops"}`, upstream.Claims{}, "yes"},
		{"claim:department=ops", `{"department":["dev","ops"]}`, upstream.Claims{}, "yes"},
		{"claim:level=9007199254740993", `{"level":9007199254740992}`, upstream.Claims{}, "no"},
		{"claim:level=9007199254740993", `{"level":9007199254740993}`, upstream.Claims{}, "yes"},
		{"claim:staff=true", `{"staff":true}`, upstream.Claims{}, "yes"},
		{"claim:staff=true", `{"staff":{"true":true}}`, upstream.Claims{}, "no"},
		{"claim:realm_access.roles=ops", `{"realm_access":{"roles":["ops"]}}`, upstream.Claims{}, "yes"},
		{"claim:realm_access.roles=ops", `{"realm_access":{}}`, upstream.Claims{}, "unsaid"},
		{"claim:https://a.example/roles=ops", `{"https://a.example/roles":["ops"]}`, upstream.Claims{}, "yes"},
		{"user:ann", `{"preferred_username":"Ann"}`, upstream.Claims{}, "yes"},
		{"user:shown", `{"preferred_username":"ann"}`, upstream.Claims{}, "no"},
		{"user:shown", `{}`, upstream.Claims{}, "unsaid"},
		{"user-id:5|7", `{}`, upstream.Claims{}, "yes"},
		{"user-id:5%257C7", `{}`, upstream.Claims{}, "no"},
		{"email:a@example.com", `{"email":"a@example.com"}`, upstream.Claims{}, "unsaid"},
		{"email:a@example.com", `{"email":"a@example.com"}`, upstream.Claims{EmailSaid: true}, "no"},
	} {
		ann := person(row.claims, row.said)
		_, err := allow(t, row.rule).Check(t.Context(), upstream.NoSignIn{}, upstream.Token{}, ann)
		got := "yes"
		switch {
		case errors.Is(err, upstream.ErrOddAnswer) && errors.Is(err, upstream.ErrNotAllowed):
			got = "unsaid"
		case errors.Is(err, upstream.ErrNotAllowed):
			got = "no"
		case err != nil:
			t.Error(err)
		}
		if got != row.want {
			t.Errorf("%s of %s: got %s, want %s", row.rule, row.claims, got, row.want)
		}
	}
}

func decoded(t *testing.T, text string) (values map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		t.Fatal(err)
	}
	return values
}

func FuzzParseAllow(f *testing.F) {
	for _, s := range []string{"", "anyone", "user:a,org:b,team:c/d", "email-domain:bücher.example", "user-id:7",
		"email:A@b.example", "group:a%2Cb/*", "claim:a=b%25", "email-domain:*.b.example"} {
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

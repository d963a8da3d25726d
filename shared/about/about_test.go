package about

import (
	"strings"
	"testing"
)

// A contact is an address or a page, and nothing that runs.
func TestContactIsAnAddressOrAPage(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]Contact{
		"":                           {},
		"ops@example.com":            {"ops@example.com", "mailto:ops@example.com"},
		"https://example.com/access": {"https://example.com/access", "https://example.com/access"},
	} {
		if got, err := ParseContact(s); err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"ops", "Ops <ops@example.com>", "http://example.com", "javascript:alert(1)", "https://", "https://a@b",
	} {
		if got, err := ParseContact(s); err == nil {
			t.Errorf("%q: got %+v, want an error", s, got)
		}
	}
}

// A name is text that is read as it was written.
func TestNameIsTextOnOneLine(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"Acme Tools", "Werkzeuge für Ärzte", "社内ツール", strings.Repeat("あ", 60)} {
		if got, err := ParseName(s); err != nil || got != s {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
	for _, s := range []string{strings.Repeat("a", 61), "a\nb", "a\u202eb", "a\u200bb", "\xff"} {
		if got, err := ParseName(s); err == nil {
			t.Errorf("%q: got %q, want an error", s, got)
		}
	}
}

// A link is a page on the web that nobody can read on the way.
func TestLinkIsHTTPS(t *testing.T) {
	t.Parallel()
	const link = "https://example.com/privacy/?v=2#top"
	if got, err := ParseLink(link); err != nil || got != link {
		t.Errorf("got %q, %v", got, err)
	}
	for _, s := range []string{
		"http://example.com", "javascript:alert(1)", "/privacy", "https://", "https://me@example.com",
	} {
		if got, err := ParseLink(s); err == nil {
			t.Errorf("%q: got %q, want an error", s, got)
		}
	}
}

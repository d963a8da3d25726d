package authorize

import (
	"slices"
	"strings"
	"unicode"

	"github.com/postern-dev/postern/shared/strict"
	"github.com/postern-dev/postern/shared/upstream"
)

// maxHint is the longest hint in bytes, as long as an e-mail address may be.
const maxHint = 254

// readHints reads what a client wishes of the sign-in at the provider (OpenID Connect Core
// §3.1.2.1). A wish that we do not know, or that is not text, is dropped: no wish is worth a
// refusal (RFC 6749 §3.1).
func readHints(params strict.Form) upstream.Hints {
	h := upstream.Hints{LoginHint: hint(params.Get("login_hint")), DomainHint: hint(params.Get("domain_hint"))}
	asked := strings.Fields(params.Get("prompt"))
	for _, known := range upstream.Prompts() {
		if slices.Contains(asked, known) {
			h.Prompt = append(h.Prompt, known)
		}
	}
	return h
}

// hint returns s if it can be a hint, else nothing.
func hint(s string) string {
	outside := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(s) > maxHint || strings.ContainsFunc(s, outside) {
		return ""
	}
	return s
}

// otherAccount are hints that bring the person to the choice of accounts.
func otherAccount(h upstream.Hints) upstream.Hints {
	return upstream.Hints{Prompt: []string{upstream.PromptSelectAccount}, DomainHint: h.DomainHint}
}

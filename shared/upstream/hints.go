package upstream

import "slices"

// PromptSelectAccount asks a provider to let the person choose among accounts, PromptLogin to sign
// in again whoever is signed in there.
const (
	PromptSelectAccount = "select_account"
	PromptLogin         = "login"
)

// Prompts returns the values of [Hints].Prompt that there are (OpenID Connect Core §3.1.2.1).
func Prompts() []string { return []string{PromptLogin, "consent", PromptSelectAccount} }

// Hints are wishes about a sign-in, by the names that OpenID Connect Core §3.1.2.1 and
// several providers have for them. A provider follows those it knows and ignores the rest;
// nothing is decided by them. The zero Hints wishes nothing.
type Hints struct {
	// Prompt is what the person shall be asked, each one of [Prompts].
	Prompt []string `json:"p,omitempty"`
	// LoginHint is the account that the person probably wants, a login or an address.
	LoginHint string `json:"l,omitempty"`
	// DomainHint is the domain or the organisation that the account is probably in.
	DomainHint string `json:"d,omitempty"`
}

func (h Hints) asks(prompt string) bool { return slices.Contains(h.Prompt, prompt) }

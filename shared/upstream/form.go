package upstream

import "strings"

// A form is what a name may look like. It is not an expression: to compile one takes a cold
// start longer than all else that it reads of its settings.
type form struct {
	first   string // the characters of which it has one at the beginning
	more    string // those that it may have after that, beside first
	longest int    // in characters, which are ASCII
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"

var (
	// GitHub's, to begin with: an underscore stands in logins of managed accounts,
	// octocat_acme. Others have dots, and whole addresses.
	userForm  = form{alphanumeric + "_", ".@+-", 128}
	loginForm = form{alphanumeric, "_-", 39}
	orgForm   = form{alphanumeric, "-", 39}
	slugForm  = form{alphanumeric + "_-", "", 100}
	localForm = form{alphanumeric + ".!#$&'+/=?^_`{|}~-", "", 64} // RFC 5322 §3.2.3, without % and *
)

// fits reports whether s has the form.
func (f form) fits(s string) bool {
	return s != "" && len(s) <= f.longest && strings.TrimLeft(s[:1], f.first) == "" &&
		strings.TrimLeft(s, f.first+f.more) == ""
}

// isTeam reports whether s is an organisation and the slug of a team, acme/ops.
func isTeam(s string) bool {
	org, team, ok := strings.Cut(s, "/")
	return ok && orgForm.fits(org) && slugForm.fits(team)
}

package strict

import (
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postern-dev/postern/shared/httperr"
	"github.com/postern-dev/postern/shared/oauth"
)

// Limits of a form or query.
const (
	maxForm       = 16 << 10
	maxParameters = 64
)

// A Form is parameters with one meaning: each at most once, none empty.
type Form struct{ values map[string][]string }

// Get returns a parameter, or the empty string.
func (f Form) Get(name string) string {
	if v := f.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Has reports whether a parameter is there. An empty one is not.
func (f Form) Has(name string) bool { return len(f.values[name]) > 0 }

// All returns every value of a parameter that may be repeated, in order.
func (f Form) All(name string) []string { return slices.Clone(f.values[name]) }

// Encode returns the form in one spelling: forms that mean the same have the same.
func (f Form) Encode() string { return url.Values(f.values).Encode() }

// Names returns the names of all parameters, sorted.
func (f Form) Names() []string { return slices.Sorted(maps.Keys(f.values)) }

// Only refuses parameters other than these, for our own forms.
func (f Form) Only(names ...string) error {
	for _, n := range f.Names() {
		if !slices.Contains(names, n) {
			return oauth.Refuse(oauth.InvalidRequest, "the form has a field that we did not send")
		}
	}
	return nil
}

// ReadForm reads the form that a request carries in its body: media type exactly
// application/x-www-form-urlencoded, charset absent or UTF-8, at most 16 KiB, no
// query string besides it (RFC 6749 §3.2: parameters are in the body). A
// parameter without value counts as absent, a repeated one is refused unless
// repeatable names it (RFC 6749 §3.1), as is anything that does not decode to
// UTF-8. Errors are refusals of invalid_request.
func ReadForm(r *http.Request, repeatable ...string) (Form, error) {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return Form{}, oauth.Refuse(oauth.InvalidRequest, "send parameters in the body, not in the query string")
	}
	if err := CheckMediaType(r, "application/x-www-form-urlencoded"); err != nil {
		return Form{}, err
	}
	b, err := body(r, maxForm)
	if err != nil {
		return Form{}, err
	}
	return parseForm(string(b), repeatable)
}

// Query reads the parameters of a query string by the rules of [ReadForm], at
// most 16 KiB.
func Query(r *http.Request, repeatable ...string) (Form, error) {
	if len(r.URL.RawQuery) > maxForm {
		return Form{}, httperr.Status(http.StatusRequestURITooLong,
			oauth.Refuse(oauth.InvalidRequest, "the query string is too long"))
	}
	return parseForm(r.URL.RawQuery, repeatable)
}

func parseForm(s string, repeatable []string) (Form, error) {
	f := Form{values: map[string][]string{}}
	if s == "" {
		return f, nil
	}
	if strings.Count(s, "&") >= maxParameters {
		return Form{}, oauth.Refuse(oauth.InvalidRequest, "there are more than %d parameters", maxParameters)
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		name, value, err := unescape(pair)
		if err != nil {
			return Form{}, err
		}
		if seen[name] && !slices.Contains(repeatable, name) {
			return Form{}, repeated(name)
		}
		seen[name] = true
		if value != "" {
			f.values[name] = append(f.values[name], value)
		}
	}
	return f, nil
}

// parameters are those that OAuth and our own forms have. Only they are named in an
// error: it may stand on a page of ours, where no stranger's words belong (UP-14).
var parameters = []string{
	"client_assertion", "client_assertion_type", "client_id", "client_secret",
	"code", "code_challenge", "code_challenge_method", "code_verifier", "decision",
	"error", "error_description", "error_uri", "grant_type", "iss", "login", "nonce", "prompt",
	"redirect_uri", "refresh_token", "resource", "response_mode", "response_type",
	"scope", "state", "token", "token_type_hint",
}

func repeated(name string) error {
	if !slices.Contains(parameters, name) {
		return oauth.Refuse(oauth.InvalidRequest, "a parameter is repeated")
	}
	return oauth.Refuse(oauth.InvalidRequest, "the parameter %s is repeated", name)
}

func unescape(pair string) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	name, errName := url.QueryUnescape(rawName)
	value, errValue := url.QueryUnescape(rawValue)
	if errName != nil || errValue != nil || strings.Contains(pair, ";") {
		return "", "", oauth.Refuse(oauth.InvalidRequest,
			"a parameter is not encoded as application/x-www-form-urlencoded")
	}
	if !utf8.ValidString(name) || !utf8.ValidString(value) || name == "" {
		return "", "", oauth.Refuse(oauth.InvalidRequest, "a parameter is not UTF-8 or has no name")
	}
	return name, value, nil
}

// CheckMediaType compares the media type exactly and refuses a charset other
// than UTF-8, because the bytes would mean something else.
func CheckMediaType(r *http.Request, want string) error {
	values := r.Header["Content-Type"]
	if len(values) != 1 {
		return oauth.Refuse(oauth.InvalidRequest, "send one Content-Type: %s", want)
	}
	if values[0] == want { // as nearly every client writes it
		return nil
	}
	got, params, err := mime.ParseMediaType(values[0])
	charset, hasCharset := params["charset"]
	if err != nil || got != want || hasCharset && !isUTF8(charset) {
		return oauth.Refuse(oauth.InvalidRequest, "the Content-Type must be %s, in UTF-8", want)
	}
	return nil
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

package authorize

import (
	"errors"
	"net/mail"
	"net/url"
)

// A Contact is whom people ask who were not let in. The zero Contact names nobody.
type Contact struct{ Text, Link string }

// ParseContact reads OPERATOR_CONTACT: an e-mail address or an https URL. Nothing said is the
// zero Contact.
func ParseContact(s string) (Contact, error) {
	if s == "" {
		return Contact{}, nil
	}
	if a, err := mail.ParseAddress(s); err == nil && a.Address == s {
		return Contact{Text: s, Link: (&url.URL{Scheme: "mailto", Opaque: url.PathEscape(s)}).String()}, nil
	}
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil {
		return Contact{Text: s, Link: u.String()}, nil
	}
	return Contact{}, errors.New("nobody can be reached there")
}

// Package about is what an operator says of a server: what it is called, whom to ask, and where its
// terms are. Documents and pages say it; how pages look is package pages' business.
package about

import (
	"errors"
	"net/mail"
	"net/url"
	"unicode"
	"unicode/utf8"
)

// A Server is what is said of one. The zero Server says nothing.
type Server struct {
	Name           string // as people read it
	Support        Contact
	Privacy, Terms string // https URLs
}

// A Contact is whom people ask. The zero Contact names nobody.
type Contact struct{ Text, Link string }

// maxName is the longest name in characters: it stands in a title beside what the page is about.
const maxName = 60

// ParseName reads a name: text on one line, which nothing in it turns around.
func ParseName(s string) (string, error) {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName {
		return "", errors.New("it is not text, or longer than 60 characters")
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return "", errors.New("it has a character that cannot be seen")
		}
	}
	return s, nil
}

// ParseContact reads an e-mail address or an https URL. Nothing said is the zero Contact.
func ParseContact(s string) (Contact, error) {
	if s == "" {
		return Contact{}, nil
	}
	if a, err := mail.ParseAddress(s); err == nil && a.Address == s {
		return Contact{Text: s, Link: (&url.URL{Scheme: "mailto", Opaque: url.PathEscape(s)}).String()}, nil
	}
	if link, err := ParseLink(s); err == nil {
		return Contact{Text: s, Link: link}, nil
	}
	return Contact{}, errors.New("nobody can be reached there")
}

// ParseLink reads the address of a page.
func ParseLink(s string) (string, error) {
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil {
		return u.String(), nil
	}
	return "", errors.New("it is no https URL")
}

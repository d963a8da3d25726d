package config

import (
	"regexp"
	"sync"
)

// passwords are those of a URL, before the host or as a parameter. They are compiled on first
// use: most starts do not need them.
var passwords = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(://[^/?#@:]*:)[^/?#@]*(@)|([?&](?:ssl)?password=)[^&#]*`)
})

// HidePassword returns a value of a setting as people may read it: a password in a URL is
// "xxxxx".
func HidePassword(value string) string {
	return passwords().ReplaceAllString(value, "${1}${3}xxxxx${2}")
}

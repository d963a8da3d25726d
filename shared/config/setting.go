package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Kind is the form of a setting's value.
type Kind string

// The kinds of settings.
const (
	KindText     Kind = "text"
	KindOrigin   Kind = "origin"
	KindURL      Kind = "URL"
	KindFile     Kind = "file"
	KindDuration Kind = "duration"
	KindBool     Kind = "boolean"
	KindInt      Kind = "number"
	KindEnum     Kind = "word"
)

// A Setting describes one name of the environment.
type Setting struct {
	// Name is the environment variable, upper case with underscores.
	Name string
	Kind Kind
	// Want completes "want …" in a problem. Empty means that it follows from
	// Kind and the limits below.
	Want string
	// Default is what unset means, in the form that would be written; empty
	// means that there is none.
	Default string
	// Required says that a program that reads the setting cannot do without it.
	Required bool
	// Min and Max bound a duration, both inclusive. Zero is accepted besides
	// them where ZeroOK says so.
	Min, Max time.Duration
	ZeroOK   bool
	// Least and Most bound a number, both inclusive.
	Least, Most int
	// Words are the values of a KindEnum.
	Words []string
	// Confidential values are not repeated in a problem.
	Confidential bool
	// Example is a value as an operator would write it.
	Example string
	// Doc says what it is for and what unset means, in full sentences.
	Doc string
}

// Form says in words which values a setting accepts.
func (s Setting) Form() string {
	switch {
	case s.Want != "":
		return s.Want
	case s.Kind == KindDuration && s.ZeroOK:
		return fmt.Sprintf("0 or a duration from %s to %s", s.Min, s.Max)
	case s.Kind == KindDuration:
		return fmt.Sprintf("a duration from %s to %s", s.Min, s.Max)
	case s.Kind == KindInt:
		return fmt.Sprintf("a number from %d to %d", s.Least, s.Most)
	case s.Kind == KindBool:
		return "true or false"
	case s.Kind == KindEnum:
		return strings.Join(s.Words, " or ")
	case s.Kind == KindURL:
		return "an https URL without trailing slash (plain http on loopback only), like " + s.Example
	case s.Kind == KindFile:
		return "the name of a file, like " + s.Example
	}
	return "a value like " + s.Example
}

// unset completes a "want …" with what leaving the setting out means.
func (s Setting) unset() string {
	switch {
	case s.Required:
		return ""
	case s.Kind == KindDuration:
		d, _ := time.ParseDuration(s.Default)
		return ", or unset for " + d.String()
	case s.Default != "":
		return ", or unset for " + s.Default
	}
	return ", or unset"
}

// lookupSetting finds a setting of the table by name.
func lookupSetting(name string) Setting {
	i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		panic("config: " + name + " is not in the table of settings")
	}
	return Settings[i]
}

package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/origin"
)

// A Reader reads settings and collects what is wrong with them. Its methods
// take names of [Settings], which holds defaults and limits, and panic on any
// other name. They return the zero value or the default after a problem; ask
// [Reader.Err] before using anything. A setting that is set to nothing counts
// as unset. A Reader is for one goroutine.
type Reader struct {
	lookup   func(string) (string, bool)
	problems Problems
}

// Read returns a Reader over lookup, which has the form of [os.LookupEnv].
func Read(lookup func(string) (string, bool)) *Reader { return &Reader{lookup: lookup} }

// Has reports whether name is set to anything.
func (r *Reader) Has(name string) bool {
	v, _ := r.lookup(name)
	return v != ""
}

// String returns a text setting.
func (r *Reader) String(name string) string {
	_, v := r.value(name)
	return v
}

// File returns the name of a file. The file itself is not touched.
func (r *Reader) File(name string) string {
	s, v := r.value(name)
	if strings.ContainsAny(v, "\n\r\x00{") || strings.Contains(v, "-----") {
		// Somebody put the content where its file's name belongs. It may be a
		// secret, so it is not repeated.
		r.note("%s holds something that is not a file name: want %s", name, s.Form())
		return ""
	}
	return v
}

// Bool returns true or false.
func (r *Reader) Bool(name string) bool {
	s, v := r.value(name)
	if v != "true" && v != "false" {
		r.wrong(s, v)
	}
	return v == "true"
}

// Int returns a number within the limits of its setting.
func (r *Reader) Int(name string) int {
	s, v := r.value(name)
	n, err := strconv.Atoi(v)
	if err != nil || n < s.Least || n > s.Most {
		r.wrong(s, v)
		return 0
	}
	return n
}

// Enum returns one of the words of its setting.
func (r *Reader) Enum(name string) string {
	s, v := r.value(name)
	if v != "" && !slices.Contains(s.Words, v) {
		r.wrong(s, v)
		return ""
	}
	return v
}

// Duration returns a duration within the limits of its setting.
func (r *Reader) Duration(name string) time.Duration {
	s, v := r.value(name)
	d, err := time.ParseDuration(v)
	if err != nil || !(s.ZeroOK && d == 0) && (d < s.Min || d > s.Max) {
		r.wrong(s, v)
		return 0
	}
	return d
}

// URL returns an absolute https URL without user information, query, fragment
// or trailing slash; plain http is accepted on loopback. It is nil if unset.
func (r *Reader) URL(name string) *url.URL {
	s, v := r.value(name)
	if v == "" {
		return nil
	}
	u, err := origin.ParseBase(v)
	if err != nil {
		// The value is not repeated: user information in it may be a secret.
		r.note("%s %s: want %s%s", name, err, s.Form(), s.unset())
		return nil
	}
	return u
}

// Parse reads a text setting by fn, which returns in words what is wrong with a
// value. An unset setting without default gives the zero T without asking fn. Of a
// confidential value nothing is repeated, and of fn's words neither.
func Parse[T any](r *Reader, name string, fn func(string) (T, error)) T {
	var zero T
	s, v := r.value(name)
	if v == "" {
		return zero
	}
	t, err := fn(v)
	if err != nil && s.Confidential {
		r.note("%s is malformed: want %s%s", name, s.Form(), s.unset())
		return zero
	}
	if err != nil {
		r.note("%s is %q: %s: want %s%s", name, HidePassword(v), oneLine(err), s.Form(), s.unset())
		return zero
	}
	return t
}

// Refuse notes a problem that no single value shows, such as two settings that
// exclude one another. The text follows the name.
func (r *Reader) Refuse(name, format string, args ...any) {
	r.note("%s %s", lookupSetting(name).Name, fmt.Sprintf(format, args...))
}

// Err returns every problem at once, as [Problems], or nil.
func (r *Reader) Err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return r.problems
}

// Problems is what is wrong with the settings, a sentence each, for the operator.
type Problems []string

// Error lists the problems, one a line.
func (p Problems) Error() string {
	noun := "problems"
	if len(p) == 1 {
		noun = "problem"
	}
	return fmt.Sprintf("configuration has %d %s:\n  %s", len(p), noun, strings.Join(p, "\n  "))
}

// Join joins the errors of several programs with the same settings. Problems that they
// share are said once.
func Join(errs ...error) error {
	var all Problems
	var others []error
	for _, err := range errs {
		p, ok := errors.AsType[Problems](err)
		if !ok {
			others = append(others, err)
			continue
		}
		for _, problem := range p {
			if !slices.Contains(all, problem) {
				all = append(all, problem)
			}
		}
	}
	if len(all) > 0 {
		others = append(others, all)
	}
	return errors.Join(others...)
}

// value returns a setting and its value, or its default.
func (r *Reader) value(name string) (Setting, string) {
	s := lookupSetting(name)
	v, _ := r.lookup(name)
	if v == "" && s.Required {
		r.note("%s is not set: want %s", name, s.Form())
	}
	if v == "" {
		v = s.Default
	}
	return s, v
}

func (r *Reader) wrong(s Setting, v string) {
	r.note("%s is %q: want %s%s", s.Name, v, s.Form(), s.unset())
}

// note adds a problem once, however often a setting is read.
func (r *Reader) note(format string, args ...any) {
	p := fmt.Sprintf(format, args...)
	if !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// Package tool names what tests use beyond the Go modules, and how to get it.
//
//	browser := tool.Chromium.Need(t)
package tool

import (
	"fmt"
	"os"
	"testing"
)

// A Tool is a program, with what it needs itself, that tests use.
type Tool struct {
	// Name stands in sentences: "Chromium is missing".
	Name string
	// Required says that no test is worth running without it.
	Required bool
	// Path finds the program. A *Missing says what to install.
	Path func() (string, error)
}

// Missing says that a tool is not there, or is too old.
type Missing struct {
	// What is "Chromium is missing" or "node is 18.19, want 20.0 or newer".
	What string
	// Get is the command that brings it.
	Get string
	// Debian are the packages that bring it; none where Debian does not have it.
	Debian []string
}

func (m *Missing) Error() string { return fmt.Sprintf("%s; to get it: %s", m.What, m.Get) }

// CI says whether this is a run of which nothing may be left out: CI=true.
func CI() bool { return os.Getenv("CI") == "true" }

// Need returns the path of the tool. Where it is missing, the test is skipped and stands
// in the list that ends make check; with CI=true it fails.
func (t Tool) Need(tb testing.TB) string {
	tb.Helper()
	path, err := t.Path()
	switch {
	case err == nil:
	case t.Required || CI():
		tb.Fatal(err)
	default:
		tb.Skip(err)
	}
	return path
}

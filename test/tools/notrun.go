package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// notRun lists the tests that were skipped, under the reason that each gave, from the
// events of go test -json in a file.
func notRun(w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("what the tests said is missing (make test-all writes it): %w", err)
	}
	defer file.Close()
	reasons, err := skipped(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(reasons) == 0 {
		_, err := fmt.Fprintln(w, "Every test was run.")
		return err
	}
	fmt.Fprintln(w, "Not run:")
	for _, r := range reasons {
		fmt.Fprintf(w, "\n%s\n", r.text)
		for _, name := range r.tests {
			fmt.Fprintf(w, "\t%s\n", name)
		}
	}
	return nil
}

// A reason is why tests were skipped, and which.
type reason struct {
	text  string
	tests []string // directory and name
}

// An event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

func skipped(r io.Reader) ([]*reason, error) {
	said := map[string]string{} // what each test wrote, until it ends
	var reasons []*reason
	for events := json.NewDecoder(r); ; {
		var e event
		if err := events.Decode(&e); errors.Is(err, io.EOF) {
			return reasons, nil
		} else if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(e.Package, "github.com/postern-dev/postern/") + " " + e.Test
		switch {
		case e.Test == "": // a package, which is skipped if it has no tests
		case e.Action == "output":
			said[name] += e.Output
		case e.Action == "skip":
			reasons = add(reasons, message(said[name]), name)
			delete(said, name)
		case e.Action == "pass" || e.Action == "fail":
			delete(said, name)
		}
	}
}

func add(reasons []*reason, text, test string) []*reason {
	for _, r := range reasons {
		if r.text == text {
			r.tests = append(r.tests, test)
			return reasons
		}
	}
	return append(reasons, &reason{text, []string{test}})
}

// place is how the testing package begins a message.
var place = regexp.MustCompile(`(?m)^ +[\w.-]+\.go:\d+: (.*)$`)

// message is the last thing that a test said.
func message(output string) string {
	all := place.FindAllStringSubmatch(output, -1)
	if len(all) == 0 {
		return "without a reason"
	}
	return all[len(all)-1][1]
}

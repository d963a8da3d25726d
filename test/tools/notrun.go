package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// notRun lists the tests that were skipped, under the reason that each gave, and what else
// was left out: dir has the events of go test -json in tests.json, and a line in vuln where
// make vuln could not do its work.
func notRun(w io.Writer, dir string) error {
	file, err := os.Open(filepath.Join(dir, "tests.json"))
	if err != nil {
		return fmt.Errorf("what the tests said is missing (make test-all writes it): %w", err)
	}
	defer file.Close()
	reasons, err := skipped(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	vuln, err := os.ReadFile(filepath.Join(dir, "vuln"))
	switch {
	case err == nil:
		reasons = append(reasons, &reason{text: strings.TrimSpace(string(vuln))})
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return write(w, reasons)
}

func write(w io.Writer, reasons []*reason) error {
	if len(reasons) == 0 {
		_, err := fmt.Fprintln(w, "Nothing was left out.")
		return err
	}
	var text bytes.Buffer
	text.WriteString("Not run:\n")
	for _, r := range reasons {
		fmt.Fprintf(&text, "\n%s\n", r.text)
		for _, name := range r.tests {
			fmt.Fprintf(&text, "\t%s\n", name)
		}
	}
	_, err := text.WriteTo(w)
	return err
}

// A reason is why something was left out, and which tests if it was tests.
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

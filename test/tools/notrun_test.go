package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// events are what go test -json says of a test that passed, three that were skipped for
// two reasons, and a package without tests.
var events = strings.Join([]string{
	testEvent("run", "test", "TestOne", ""),
	testEvent("output", "test", "TestOne", "    a_test.go:3: by the way\n"),
	testEvent("run", "test", "TestTwo/sub", ""),
	testEvent("output", "test", "TestTwo/sub", "=== RUN   TestTwo/sub\n"),
	testEvent("output", "test", "TestTwo/sub",
		"    a_test.go:7: Chromium is missing; to get it: sudo apt-get install chromium\n"),
	testEvent("pass", "test", "TestOne", ""),
	testEvent("output", "test", "TestTwo/sub", "    --- SKIP: TestTwo/sub (0.00s)\n"),
	testEvent("skip", "test", "TestTwo/sub", ""),
	testEvent("output", "shared/store", "TestThree", "    emulator.go:59: gcloud is missing; to get it: fetch it\n"),
	testEvent("skip", "shared/store", "TestThree", ""),
	testEvent("output", "test", "TestFour",
		"    b_test.go:9: Chromium is missing; to get it: sudo apt-get install chromium\n"),
	testEvent("skip", "test", "TestFour", ""),
	testEvent("output", "functions/token/cmd", "", "?   \t[no test files]\n"),
	testEvent("skip", "functions/token/cmd", "", ""),
}, "\n")

// testEvent is a line of go test -json.
func testEvent(action, folder, test, output string) string {
	line, err := json.Marshal(struct {
		Action, Package string
		Test            string `json:",omitempty"`
		Output          string `json:",omitempty"`
	}{action, "github.com/postern-dev/postern/" + folder, test, output})
	if err != nil {
		panic(err)
	}
	return string(line)
}

// Every skipped test stands in the list, under what it lacked and how to get that.
func TestTheListNamesEverySkippedTest(t *testing.T) {
	const want = `Not run:

Chromium is missing; to get it: sudo apt-get install chromium
	test TestTwo/sub
	test TestFour

gcloud is missing; to get it: fetch it
	shared/store TestThree
`
	if got := list(t, map[string]string{"tests.json": events}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheListSaysThatNothingWasSkipped(t *testing.T) {
	passed, _, _ := strings.Cut(events, `{"Action":"skip"`)
	if got, want := list(t, map[string]string{"tests.json": passed}), "Nothing was left out.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheListNamesALookForVulnerabilitiesThatFailed(t *testing.T) {
	const said = "make vuln: its database cannot be reached"
	got := list(t, map[string]string{"tests.json": "", "vuln": said + "\n"})
	if want := "Not run:\n\n" + said + "\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// list is what notRun says of a directory with these files.
func list(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := notRun(&out, dir); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A list that could not be made is not an empty one.
func TestALostListIsAnError(t *testing.T) {
	var out bytes.Buffer
	if err := notRun(&out, t.TempDir()); err == nil {
		t.Errorf("got no error and %q, want an error", &out)
	}
}

package tool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A verdict records what a test would have come to.
type verdict struct {
	testing.TB
	skipped, failed string
}

func (v *verdict) Helper()           {}
func (v *verdict) Skip(args ...any)  { v.skipped = fmt.Sprint(args...) }
func (v *verdict) Fatal(args ...any) { v.failed = fmt.Sprint(args...) }

// A test of a missing tool is skipped with the command that brings it, and fails with
// CI=true; that of a required tool fails in any case.
func TestNeedOfAMissingTool(t *testing.T) {
	missing := func() (string, error) { return "", &Missing{What: "anvil is missing", Get: "forge anvil"} }
	const said = "anvil is missing; to get it: forge anvil"
	for _, c := range []struct {
		ci       string
		required bool
		want     verdict
	}{
		{"", false, verdict{skipped: said}},
		{"true", false, verdict{failed: said}},
		{"", true, verdict{failed: said}},
	} {
		t.Setenv("CI", c.ci)
		var got verdict
		Tool{Name: "anvil", Required: c.required, Path: missing}.Need(&got)
		if got != c.want {
			t.Errorf("CI=%q, required %t: got %+v, want %+v", c.ci, c.required, got, c.want)
		}
	}
}

func TestNeedOfAToolThatIsThere(t *testing.T) {
	var got verdict
	path := Tool{Path: func() (string, error) { return "/bin/anvil", nil }}.Need(&got)
	if path != "/bin/anvil" || got != (verdict{}) {
		t.Errorf("got %q, %+v; want /bin/anvil and a test that goes on", path, got)
	}
}

// onPath makes a PATH of these programs, each a shell script.
func onPath(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

// Each part of the Firestore emulator that is missing is named with the command that
// brings it, one after the other.
func TestFirestoreNamesWhatIsMissing(t *testing.T) {
	sdk := t.TempDir()
	gcloud := fmt.Sprintf("echo %s", sdk)
	wantMissing(t, map[string]string{}, Firestore, "gcloud is missing",
		"gcloud components install cloud-firestore-emulator")
	wantMissing(t, map[string]string{"gcloud": gcloud}, Firestore, "the Firestore emulator is missing", getEmulator)

	jar := filepath.Join(sdk, "platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar")
	if err := os.MkdirAll(filepath.Dir(jar), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(jar, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantMissing(t, map[string]string{"gcloud": gcloud}, Firestore, "java is missing",
		"apt-get install default-jre-headless")
	onPath(t, map[string]string{"gcloud": gcloud, "java": ""})
	if got, err := Firestore.Path(); got != jar || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, jar)
	}
}

func TestAnOldVersionIsMissing(t *testing.T) {
	wantMissing(t, map[string]string{"node": "echo v18.19.1"}, Node,
		"node is 18.19, want 20.0 or newer", "https://nodejs.org")
	onPath(t, map[string]string{"node": "echo v22.1.0"})
	if _, err := Node.Path(); err != nil {
		t.Errorf("version 22.1: got %v, want no error", err)
	}
}

func TestBrowsersAreDebianPackages(t *testing.T) {
	wantMissing(t, map[string]string{}, Chromium, "Chromium is missing", "sudo apt-get install chromium")
	wantMissing(t, map[string]string{}, Firefox, "Firefox is missing", "sudo apt-get install firefox-esr")
	for _, there := range []map[string]string{{}, {"Xvfb": ""}, {"WebKitWebDriver": ""}} {
		wantMissing(t, there, WebKit, "WebKit's driver or Xvfb is missing",
			"sudo apt-get install webkit2gtk-driver xvfb")
	}
	onPath(t, map[string]string{"google-chrome": "", "firefox": ""})
	for _, browser := range []Tool{Chromium, Firefox} {
		if _, err := browser.Path(); err != nil {
			t.Errorf("with another one of the family: got %v, want no error", err)
		}
	}
}

// Debian packs what makes environments apart from Python.
func TestPythonMakesEnvironments(t *testing.T) {
	const get = "sudo apt-get install python3-venv"
	wantMissing(t, map[string]string{}, Python, "python3 is missing", get)
	wantMissing(t, map[string]string{"python3": "echo Python 3.8.10"}, Python,
		"python3 is 3.8, want 3.10 or newer", "https://www.python.org")
	bare := `[ "$1" = --version ] && echo Python 3.11.7`
	wantMissing(t, map[string]string{"python3": bare}, Python, "python3 cannot make environments", get)
	onPath(t, map[string]string{"python3": "echo Python 3.11.7"})
	if _, err := Python.Path(); err != nil {
		t.Errorf("with venv: got %v, want no error", err)
	}
}

func wantMissing(t *testing.T, scripts map[string]string, tool Tool, what, get string) {
	t.Helper()
	onPath(t, scripts)
	_, err := tool.Path()
	var missing *Missing
	if !errors.As(err, &missing) || missing.What != what || !strings.Contains(missing.Get, get) {
		t.Errorf("got %v, want %q and how to get it: %q", err, what, get)
	}
}

package idp

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// A knobbed provider is a program of ours around a library, which has knobs at /_control and
// keeps what it knows in a file.
type knobbed struct {
	t       testing.TB // whose end is the process's
	url     string
	command rig.Command
	process *rig.Process
}

func (k *knobbed) URL() string { return k.url }

func (k *knobbed) Start(t testing.TB) {
	t.Helper()
	k.process = rig.Launch(k.t, k.command)
	if _, err := k.process.Says(t.Context(), regexp.MustCompile("listening on "+regexp.QuoteMeta(k.url))); err != nil {
		t.Fatal(err)
	}
}

func (k *knobbed) Stop() { k.process.Stop() }

func (k *knobbed) do(t testing.TB, knob, name string, fields url.Values) {
	t.Helper()
	form := url.Values{"do": {knob}, "name": {name}}
	maps.Copy(form, fields)
	resp, err := http.PostForm(k.url+"/_control", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", knob, resp.StatusCode)
	}
}

func (k *knobbed) SetUser(t testing.TB, login string, groups ...string) {
	t.Helper()
	k.do(t, "user", login, url.Values{"groups": {strings.Join(groups, " ")}})
}

func (k *knobbed) Disable(t testing.TB, login string) {
	t.Helper()
	k.do(t, "user", login, url.Values{"groups": {""}, "disabled": {"true"}})
}

func (k *knobbed) RotateKeys(t testing.TB) {
	t.Helper()
	k.do(t, "rotate", "", nil)
}

// keep writes what only the server may read, and returns the file's name.
func keep(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

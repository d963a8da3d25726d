package stdio

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/store"
)

// zombie reports whether a process ended and only its entry is left.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// Lines that are no messages go to the log, in whatever pieces they are written.
func TestOnlyObjectsAreMessages(t *testing.T) {
	t.Parallel()
	const said = "Server running\n\n{\"a\":1}\r\n  {\"b\":\n[info] x\n" + `{"c":2}` + "\nbye"
	for _, size := range []int{1, 2, 3, 7, len(said)} {
		var messages bytes.Buffer
		var others []string
		rest := &lines{each: func(line string) { others = append(others, line) }}
		o := &output{messages: &messages, others: rest}
		for piece := range slices.Chunk([]byte(said), size) {
			if n, err := o.Write(piece); n != len(piece) || err != nil {
				t.Fatalf("got %d, %v", n, err)
			}
		}
		rest.flush()
		if got, want := messages.String(), "{\"a\":1}\r\n{\"b\":\n{\"c\":2}\n"; got != want {
			t.Errorf("pieces of %d: got messages %q, want %q", size, got, want)
		}
		if want := []string{"Server running", "[info] x", "bye"}; !slices.Equal(others, want) {
			t.Errorf("pieces of %d: got lines %q, want %q", size, others, want)
		}
	}
}

// A line is cut, and the last ones are kept.
func TestLinesAreCut(t *testing.T) {
	t.Parallel()
	l := &lines{each: func(string) {}}
	for i := range 20 {
		_, _ = l.Write([]byte(strconv.Itoa(i) + "\n"))
	}
	_, _ = l.Write(bytes.Repeat([]byte("x"), maxLine+1))
	_, _ = l.Write([]byte("x\n"))
	last := strings.Split(l.tail(), "\n")
	if len(last) != keptLast || last[0] != "11" || len(last[keptLast-1]) != maxLine {
		t.Errorf("got %d lines, the first %q, the last of %d bytes", len(last), last[0], len(last[keptLast-1]))
	}
}

// Settings, some of which are secret, and what systemd gives this process alone do not go
// on; nobody can name a person by a variable.
func TestTheEnvironmentHasNoSettings(t *testing.T) {
	t.Parallel()
	own := []string{
		"PATH=/bin", "API_KEY=x=y", "STORE=postgres://u:p@h/d", "GITHUB_CLIENT_SECRET_FILE=/s", "ALLOW=anyone",
		"NOTIFY_SOCKET=/run/n", "CREDENTIALS_DIRECTORY=/c", "POSTERN_SUBJECT=github:1",
	}
	got := environment(own, &mcp.Caller{Person: store.Person{Subject: "github:2", Login: "hubot"}})
	want := []string{"PATH=/bin", "API_KEY=x=y", "POSTERN_SUBJECT=github:2", "POSTERN_LOGIN=hubot"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := environment(own, nil); len(got) != 2 {
		t.Errorf("without a person: got %q", got)
	}
}

package postgresdriver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// The test program runs itself as another process over the same database. Its child
// writes until it has done childWrites, printing each id that was acknowledged.
const (
	childURL    = "POSTERN_TEST_CHILD_URL"
	childName   = "POSTERN_TEST_CHILD_NAME"
	childWrites = "POSTERN_TEST_CHILD_WRITES"
)

func child(url string) int {
	d, err := Open(context.Background(), name(url), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	n, _ := strconv.Atoi(os.Getenv(childWrites))
	for i := range n {
		id := fmt.Sprintf("%s-%d", os.Getenv(childName), i)
		if err := childWrite(d, id); err != nil {
			fmt.Fprintln(os.Stderr, id, err)
			return 1
		}
		fmt.Println(id)
	}
	if err := d.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// childWrite creates a document and counts it in another one.
func childWrite(d driver.Driver, id string) error {
	return d.RunTransaction(context.Background(), func(_ context.Context, tx driver.Tx) error {
		counter, err := tx.Get(key("counter"))
		if err != nil && !errors.Is(err, driver.ErrNotFound) {
			return err
		}
		n, _ := strconv.Atoi(counter.Body)
		return errors.Join(
			tx.Create(key(id), driver.Document{Body: id, Index: map[string]string{"kind": "line"}}),
			tx.Set(key("counter"), driver.Document{Body: strconv.Itoa(n + 1)}),
		)
	})
}

func spawn(t *testing.T, url, name string, writes int) (*exec.Cmd, *bufio.Scanner, *strings.Builder) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program)
	command.Env = append(os.Environ(), childURL+"="+url, childName+"="+name, childWrites+"="+strconv.Itoa(writes))
	said := &strings.Builder{}
	command.Stderr = said
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command, bufio.NewScanner(out), said
}

func TestProcessesWriteSideBySide(t *testing.T) {
	t.Parallel()
	const processes, writes = 3, 100
	url := migrated(t, postgres.Shared(t))
	var commands [processes]*exec.Cmd
	var lines [processes]*bufio.Scanner
	var said [processes]*strings.Builder
	for i := range processes {
		commands[i], lines[i], said[i] = spawn(t, url, fmt.Sprintf("p%d", i), writes)
	}
	for i := range processes {
		for lines[i].Scan() {
		}
		if err := commands[i].Wait(); err != nil {
			t.Errorf("process %d: got %v, want no error; it said %s", i, err, said[i])
		}
	}
	wantCounted(t, open(t, url), processes*writes)
}

// wantCounted closes d. It checks that the counter and the documents agree, and how many of
// them there are at least.
func wantCounted(t *testing.T, d *Driver, atLeast int) {
	t.Helper()
	defer d.Close()
	lines := driver.Query{Collection: "clients", Field: "kind", Value: "line", Limit: driver.MaxPage}
	records, err := d.List(t.Context(), lines)
	if err != nil {
		t.Fatal(err)
	}
	counter, err := d.Get(t.Context(), key("counter"))
	if err != nil {
		t.Fatal(err)
	}
	if len(records) < atLeast || counter.Body != strconv.Itoa(len(records)) {
		t.Errorf("got %d documents and a count of %s, want both the same and at least %d",
			len(records), counter.Body, atLeast)
	}
}

// What was acknowledged is durable, and nothing is half written, whether the writer is killed
// or the server crashes (SC-17).
func TestAcknowledgedWritesSurviveAKill(t *testing.T) {
	t.Parallel()
	s := postgres.Start(t)
	url := migrated(t, s)
	var acknowledged []string
	for round := range 4 {
		command, lines, said := spawn(t, url, fmt.Sprintf("r%d", round), 1_000_000)
		for range 10 + 7*round {
			if !lines.Scan() {
				t.Fatalf("child ended by itself; it said %s", said)
			}
			acknowledged = append(acknowledged, lines.Text())
		}
		if round%2 == 1 {
			s.Crash(t)
			s.Restart(t)
		}
		if err := command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			acknowledged = append(acknowledged, lines.Text())
		}
		_ = command.Wait() // "signal: killed", or what it said of the crash
	}
	d := open(t, url)
	for _, id := range acknowledged {
		if got, err := d.Get(t.Context(), key(id)); err != nil || got.Body != id {
			t.Errorf("acknowledged %s: got %q, %v, want it there", id, got.Body, err)
		}
	}
	wantCounted(t, d, len(acknowledged))
}

func key(id string) driver.Key { return driver.Key{Collection: "clients", ID: id} }

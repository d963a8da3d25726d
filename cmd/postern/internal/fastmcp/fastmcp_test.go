package fastmcp

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/fernet"
)

// Whatever the old server was given as a key opens what it sealed. testdata/sealed.json was
// written by FastMCP 3.4.11 and py-key-value 0.4.6.
func TestKeysOpenWhatFastMCPSealed(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "sealed.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded []struct {
		Name, Secret, Salt string
		Document           json.RawMessage
	}
	if err := json.Unmarshal(data, &recorded); err != nil || len(recorded) != 5 {
		t.Fatalf("got %d documents, %v; want 5", len(recorded), err)
	}
	for _, r := range recorded {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			ring, err := Keys([]byte(r.Secret+"\n"), r.Salt)
			if err != nil {
				t.Fatal(err)
			}
			got, sealed := read(document{key: "one", body: r.Document}, ring)
			if got.ID != "one" || got.Skipped != nil || !sealed {
				t.Errorf("got client %q, skipped %v, sealed %t; want client one from a sealed document",
					got.ID, got.Skipped, sealed)
			}
			other, _ := read(document{key: "one", body: r.Document}, fernet.Keyring{fernet.GenerateKey()})
			if !errors.Is(other.Skipped, errOtherKey) {
				t.Errorf("with another key: got %v, want %v", other.Skipped, errOtherKey)
			}
		})
	}
}

// A cache is a directory as diskcache writes it: statements on its table, and its files.
func cache(t *testing.T, statements []string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const table = "CREATE TABLE Cache (rowid INTEGER PRIMARY KEY, key BLOB, raw INTEGER, store_time REAL, " +
		"expire_time REAL, access_time REAL, access_count INTEGER DEFAULT 0, tag BLOB, size INTEGER DEFAULT 0, " +
		"mode INTEGER DEFAULT 0, filename TEXT, value BLOB)"
	for _, s := range append([]string{table}, statements...) {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func row(key, expires, filename, value string) string {
	return fmt.Sprintf("INSERT INTO Cache (key, raw, mode, expire_time, filename, value) "+
		"VALUES ('%s', 1, 1, %s, %s, %s)", key, expires, filename, value)
}

func entry(id string) string {
	return `{"value": {"client_id": "` + id + `", "redirect_uris": ["https://app.example/cb"]}}`
}

// What diskcache put into a file of its own is read from there, and from nowhere else; what
// expired, is another's or lost its file does not come; the directory stays as it is.
func TestDiskCache(t *testing.T) {
	t.Parallel()
	const in = "mcp-oauth-proxy-clients::"
	dir := cache(t, []string{
		row(in+"short", "NULL", "NULL", "'"+entry("short")+"'"),
		row(in+"server-1__prefixed", "NULL", "NULL", "'"+entry("prefixed")+"'"),
		row(in+"long", "NULL", "'long.val'", "NULL"),
		row(in+"lost", "NULL", "'lost.val'", "NULL"),
		row(in+"outside", "NULL", "'../outside.val'", "NULL"),
		row(in+"over", "1.5", "NULL", "'"+entry("over")+"'"),
		row(in+"moved", "NULL", "NULL", "'"+entry("another")+"'"),
		row("mcp-upstream-tokens::x", "NULL", "NULL", "'{}'"),
	}, map[string]string{"long.val": entry("long")})
	if err := os.WriteFile(filepath.Join(dir, "..", "outside.val"), []byte(entry("outside")), 0o600); err != nil {
		t.Fatal(err)
	}
	before := stamps(dir, names(t, dir))
	got := skips(t, Source{From: "disk:" + dir})
	want := map[string]string{
		in + "short": "<nil>", in + "server-1__prefixed": "<nil>", in + "long": "<nil>",
		in + "lost": errNotClient.Error(), in + "outside": errNotClient.Error(), in + "over": errExpired.Error(),
		in + "moved": errOtherPlace.Error(),
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if after := stamps(dir, names(t, dir)); after != before {
		t.Errorf("the directory was\n%sand is\n%s", before, after)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// A database that was cut off is refused as a whole: what is missing from it nobody knows.
func TestTruncatedDatabase(t *testing.T) {
	t.Parallel()
	var statements []string
	for i := range 200 {
		id := fmt.Sprint(i)
		statements = append(statements, row("mcp-oauth-proxy-clients::"+id, "NULL", "NULL", "'"+entry(id)+"'"))
	}
	dir := cache(t, statements, nil)
	info, err := os.Stat(filepath.Join(dir, database))
	if err == nil {
		err = os.Truncate(filepath.Join(dir, database), info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = Read(t.Context(), Source{From: "disk:" + dir}, nil)
	if err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v, want that it is damaged", err)
	}
}

// pydantic writes "/" behind a host, which the client may not have written.
func TestSpellingsOfRedirectURIs(t *testing.T) {
	t.Parallel()
	got := spellings([]string{
		"https://a.example/", "https://b.example/cb", "http://localhost/", "app://x/", "https://c.example/?q=1",
	})
	want := []string{
		"https://a.example/", "https://a.example", "https://b.example/cb", "http://localhost/", "app://x/",
		"https://c.example/?q=1", "https://c.example?q=1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

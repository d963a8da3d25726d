package cascade

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/eventarc"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
)

const bodyCanary = "sealed-body-canary"

// A change of each kind, of a document with all fields.
func changes() map[string]driver.Change {
	d := driver.Document{
		Body: bodyCanary, DeleteAfter: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		Index: map[string]string{"client": store.ClientDocument("c_1"), "person": store.PersonDocument(alice)},
	}
	later := d.Clone()
	later.Body = "another body"
	base := driver.Change{
		Key:  driver.Key{Collection: "grants", ID: store.GrantDocument("g")},
		Time: time.Date(2026, 11, 25, 12, 0, 0, 123000, time.UTC), Sequence: 7,
	}
	created, updated, deleted := base, base, base
	created.After = &d
	updated.Before, updated.After = &d, &later
	deleted.Before = &later
	return map[string]driver.Change{"created": created, "updated": updated, "deleted": deleted}
}

// sent returns a change as the functions framework hands it to the function.
func sent(t testing.TB, c driver.Change, edit func(r *http.Request)) cloudevents.Event {
	t.Helper()
	r, err := eventarc.Request(t.Context(), "http://127.0.0.1:1/", "demo", c)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	e, err := cloudevents.NewEventFromHTTPRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Errorf("no valid CloudEvent: %v", err)
	}
	return *e
}

func TestFeedChangeArrivesAsEventarcWouldSendIt(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		e := sent(t, c, nil)
		if got, want := e.Type(), "google.cloud.firestore.document.v1.written"; got != want {
			t.Errorf("%s: got type %q, want %q", name, got, want)
		}
		got, err := read(e).change("(default)")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(changeOf(c), got); diff != "" {
			t.Errorf("%s: sent (-) and received (+) differ:\n%s", name, diff)
		}
	}
}

// The account of a person travels sealed, before and after; no other record does.
func TestEventOfAPersonBringsTheirSealedAccounts(t *testing.T) {
	t.Parallel()
	c := changes()["updated"]
	c.Key.Collection = "people"
	got, err := read(sent(t, c, nil)).change("(default)")
	if err != nil || got.OldBody != c.Before.Body || got.Body != c.After.Body {
		t.Errorf("got bodies %q and %q, %v, want those of the change", got.OldBody, got.Body, err)
	}
}

// The files are what the Firestore emulator sent, decoded from its base64, when the
// Firestore driver created, set and deleted one grant.
func TestEventsOfTheEmulatorAreUnderstood(t *testing.T) {
	t.Parallel()
	id := store.GrantDocument("g")
	index := map[string]string{"client": store.ClientDocument("c_1"), "person": store.PersonDocument(alice)}
	for name, want := range map[string]Change{
		"created": {Collection: "grants", Document: id},
		"updated": {Collection: "grants", Document: id, OldIndex: index},
		"deleted": {Collection: "grants", Document: id, OldIndex: index, Deleted: true},
	} {
		data, err := os.ReadFile("testdata/emulator/" + name + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		got, err := event{document: "grants/" + id, database: "(default)", data: data}.change("(default)")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v; want (-), got (+):\n%s", name, err, diff)
		}
	}
}

// An event that is not ours is taken, noted in one line, and never quoted (SC-18). Another delivery
// would not make it better.
func TestNonsenseIsTakenAndNotedOnce(t *testing.T) {
	t.Parallel()
	body := func(data string) func(r *http.Request) {
		return func(r *http.Request) { r.Body = http.NoBody; setBody(r, data) }
	}
	header := func(name, value string) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := map[string]func(r *http.Request){
		"no protobuf":           body("{\"json\": \"" + bodyCanary + "\"}"),
		"a cut protobuf":        body("\x0a\x7f" + bodyCanary),
		"base64":                body("CiVwcm9qZWN0cy9kZW1v"),
		"no document in it":     body("\x1a\x00"),
		"nothing at all":        body(""),
		"no name in it":         body("\x0a\x00"),
		"another database":      header("Ce-Database", "other"),
		"another document":      header("Ce-Document", "grants/"+store.GrantDocument("h")),
		"a document below":      header("Ce-Document", "grants/a/b/c"),
		"a collection alone":    header("Ce-Document", "grants"),
		"a way out":             header("Ce-Document", "../grants"),
		"an unknown collection": renamed("strangers"),
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := sent(t, changes()["deleted"], edit)
			if err := receive(w.Cascade, "(default)", nil)(t.Context(), e); err != nil {
				t.Errorf("got %v, want no error", err)
			}
			lines := strings.Count(w.Lines.String(), "event ignored")
			if lines != 1 || strings.Contains(w.Lines.String(), "canary") {
				t.Errorf("got %d lines, want one without anything of the event:\n%s", lines, w.Lines)
			}
		})
	}
}

func setBody(r *http.Request, data string) {
	r.Body = readCloser{strings.NewReader(data)}
	r.ContentLength = int64(len(data))
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// renamed sends the same change of another collection, consistently.
func renamed(collection string) func(r *http.Request) {
	return func(r *http.Request) {
		c := changes()["deleted"]
		c.Key.Collection = collection
		other, err := eventarc.Request(r.Context(), r.URL.String(), "demo", c)
		if err != nil {
			panic(err)
		}
		*r = *other
	}
}

// Data that says it is of another database is not believed, whatever the attributes say.
func TestDataOfAnotherDatabaseIsNotTaken(t *testing.T) {
	t.Parallel()
	e := read(sent(t, changes()["deleted"], nil))
	e.database = "mine"
	if c, err := e.change("mine"); err == nil {
		t.Errorf("got %+v, want an error", c)
	}
	e.database = "(default)"
	e.document = ""
	if _, err := e.change(""); err != nil {
		t.Errorf("the subject alone: got %v", err)
	}
}

func TestEndedGrantArrivesAsAnEventAndSettlesItsPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	revoke(t, w, w.login(t, alice, w.register(t, "c_1")).ID)
	for _, c := range w.events(t) {
		if err := receive(w.Cascade, "(default)", nil)(t.Context(), sent(t, c, nil)); err != nil {
			t.Error(err)
		}
	}
	w.wantToken(t, alice, "")
	w.wantRevoked(t, tokenName(1))
}

// Nothing that the cascade writes holds a credential or a name (LG-01).
func TestNoSecretInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log bytes.Buffer
	w.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := w.register(t, "c_1")
	w.login(t, alice, c)
	deleteClient(t, w, c.ID)
	w.drain(t)
	if strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), "upstream_token.dropped") {
		t.Errorf("got\n%s", &log)
	}
}

func FuzzEventData(f *testing.F) {
	for _, c := range changes() {
		data, err := eventarc.Data("demo", c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "grants/"+c.Key.ID)
	}
	f.Fuzz(func(t *testing.T, data []byte, document string) {
		c, err := event{document: document, database: "(default)", data: data}.change("(default)")
		if err == nil && c.Collection+"/"+c.Document != document {
			t.Errorf("got %s/%s of %q", c.Collection, c.Document, document)
		}
	})
}
